"""The hybrid moving first against perfect play: python benchmarks/against_exact.py [--games 100] [--simulations 400].

Connect Four from its start, which the first player wins with perfect play. The solver puts losing off as long as it
can and chooses among equal moves by the game's number; it remembers what it has solved from game to game, so that the
first games take minutes and the others seconds.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import processor
from engine.position import Position
from games.loader import load
from players.elo import score_interval
from players.match import play_game
from players.player import ExactPlayer, make_player
from players.spec import parse_spec


def main() -> None:
    """Print what the games came to, and where wins were given away first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    game = load("connect4")
    exact, results = ExactPlayer(game, parse_spec("exact")), list[float]()
    seen: Counter[str] = Counter()
    for number in range(options.games):
        spec = f"hybrid:simulations={options.simulations},seed={number}"
        hybrid = make_player(game, spec, model=options.model)
        exact.seed = number
        record = play_game(game, (hybrid, exact), (), lambda: False)
        assert record is not None
        results.append(record.outcome)
        line = Position(game)
        for action in record.actions:
            line.play(action)
        seen["".join(line.moves_text())] += 1
        print(f"{number + 1:4} {record.outcome:+.0f} {''.join(line.moves_text())}", flush=True)
    count = Counter(results)
    low, high = score_interval([(1 + r) / 2 for r in results])
    print(processor())
    print(
        f"hybrid:simulations={options.simulations} first against exact, {options.games} games, {len(seen)} different:"
    )
    print(f"{count[1.0]} won, {count[0.0]} drawn, {count[-1.0]} lost; score {low:.1%} to {high:.1%} (95 %)")


if __name__ == "__main__":
    main()
