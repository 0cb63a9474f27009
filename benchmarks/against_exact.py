"""The hybrid moving first against perfect play: python benchmarks/against_exact.py [--games 100] [--simulations 400].

Connect Four from its start, which the first player wins with perfect play. The solver puts losing off as long as it
can and chooses among equal moves by the game's number; it remembers what it has solved from game to game, so that the
first games take many minutes and later ones less. With --book the perfect side is bitbully with its 12-ply book (AGPL;
nothing of ours uses them), which chooses in the same way and at once.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.position import Position
from games.loader import load
from games.processes import processor
from games.rng import Random
from players.choice import Choice
from players.elo import score_interval
from players.match import play_game
from players.player import ExactPlayer, make_player
from players.spec import parse_spec


class Booked:
    """bitbully with its book: the soonest win or the latest loss, among equals by seed, like ExactPlayer."""

    name, search, seed = "bitbully", None, 0

    def __init__(self) -> None:
        import bitbully.bitbully_core as bitbully
        from bitbully_databases import BitBullyDatabases

        self.bitbully = bitbully
        self.solver = bitbully.BitBullyCore(BitBullyDatabases.get_database_path("12-ply-dist"))
        self.rng = Random(0)

    def choose(self, position: Position) -> Choice:
        """One of the moves of the best score."""
        board = self.bitbully.BoardCore()
        for action in position.actions:
            assert board.play(action)
        scores = self.solver.scoreMoves(board)
        best = max(scores[a] for a in position.legal())
        moves = [a for a in position.legal() if scores[a] == best]
        return Choice(moves[self.rng.below(len(moves))], None)

    def new_game(self) -> None:
        """Choose among equal moves as a new player would."""
        self.rng = Random(self.seed)

    def close(self) -> None:
        """Nothing to give up."""


def main() -> None:
    """Print what the games came to, and where wins were given away first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--images", type=int, default=1, help="over which the net is averaged")
    parser.add_argument("--book", action="store_true", help="bitbully and its book in place of our solver")
    options = parser.parse_args()
    game = load("connect4")
    exact: Any = Booked() if options.book else ExactPlayer(game, parse_spec("exact"))
    results = list[float]()
    seen: Counter[str] = Counter()
    for number in range(options.games):
        spec = f"hybrid:simulations={options.simulations},seed={number},images={options.images}"
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
