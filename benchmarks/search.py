"""Search-only simulations per second against OpenSpiel's C++ MCTSBot, and two threads against one.

python benchmarks/search.py [GAME ...] [--simulations 100000]. Both search from the start position with one random
rollout per simulation, early stop off, one thread; first without proofs (`solve`), then with. The simulations are
Connect Four's, other games take the share of them that OpenSpiel does in about a second; each run lasts a second at
least. Needs open_spiel.
"""

import argparse
import sys
import threading
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyspiel

from benchmarks.common import in_turn, per_second, report
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from games.processes import processor

# By our spec: OpenSpiel's, and the share of the simulations.
GAMES = {
    "connect4": ("connect_four", 1.0),
    "othello": ("othello", 0.03),
    "gomoku:size=9": ("mnk(m=9,n=9,k=5)", 0.03),
    "hex:size=7": ("hex(board_size=7)", 0.6),
    "breakthrough": ("breakthrough", 0.25),
}


def ours(name: str, simulations: int, solve: bool) -> Callable[[], int]:
    """One search of the start position."""
    game = load(name)
    search = Search(game, Settings("search", solve=solve, early_stop=False, reuse=False))
    return lambda: search.run(Position(game), simulations=simulations).simulations


def theirs(name: str, simulations: int, solve: bool) -> Callable[[], int]:
    """One search of the start position by OpenSpiel; uct_c 2 is the constant of its examples."""
    game = pyspiel.load_game(name)
    evaluator = pyspiel.RandomRolloutEvaluator(1, 7)
    bot = pyspiel.MCTSBot(game, evaluator, 2.0, simulations, 1000, solve, 7, False)

    def run() -> int:
        bot.step(game.new_initial_state())
        return simulations

    return run


def side_by_side(work: list[Callable[[], int]]) -> int:
    """Run each in a thread of its own."""
    done: list[int] = []
    threads = [threading.Thread(target=lambda w=w: done.append(w())) for w in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("games", nargs="*", metavar="GAME", help=f"which of {', '.join(GAMES)} (all)")
    parser.add_argument("--simulations", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print(processor())
    for name in options.games or GAMES:
        other, share = GAMES[name]
        simulations = int(share * options.simulations)
        for solve in (False, True):
            print(f"{name}, {simulations:,} simulations, solve {'on' if solve else 'off'}")
            a, b = (make(n, simulations, solve) for make, n in ((ours, name), (theirs, other)))
            sides = {"tandem": lambda a=a: per_second(a, 1.0), "open_spiel": lambda b=b: per_second(b, 1.0)}
            report(in_turn(sides, options.runs), "simulations/s", "open_spiel")
        if name == "connect4":
            pair = [ours(name, 3 * options.simulations, True) for _ in range(2)]
            print(f"{name}, one game on one thread against two games on two")
            sides = {
                "one thread": lambda pair=pair: per_second(pair[0]),
                "two threads": lambda pair=pair: per_second(lambda: side_by_side(pair)),
            }
            report(in_turn(sides, options.runs), "simulations/s", "one thread")


if __name__ == "__main__":
    main()
