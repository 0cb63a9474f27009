"""Chess: positions reached per second from the start, every move made, against python-chess; then search alone.

python benchmarks/perft.py [--depth 5] [--their-depth 4] [--runs 5]. Neither side counts the last ply without playing
it, both use one thread, and they take turns. python-chess may count one ply less: nodes per second are compared. The
second table searches with the static value, from the start and a crowded middlegame, early stop off.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import chess

from benchmarks.common import in_turn, per_second, report
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from games.processes import processor
from games.rules import rules

GAME = load("chess")
KNOWN = (1, 20, 400, 8902, 197_281, 4_865_609, 119_060_324)
POSITIONS = {
    "start": chess.STARTING_FEN,
    "middlegame": "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
}


def ours(depth: int) -> int:
    """Nodes at that depth, as counted by the compiled rules."""
    compiled = rules(GAME)
    return int(compiled.perft(compiled.first(), depth))


def theirs(board: chess.Board, depth: int) -> int:
    """The same by python-chess."""
    if depth == 0:
        return 1
    nodes = 0
    for move in board.legal_moves:
        board.push(move)
        nodes += theirs(board, depth - 1)
        board.pop()
    return nodes


def simulations(fen: str) -> int:
    """One search without a net."""
    search = Search(GAME, Settings("search", early_stop=False, reuse=False))
    return search.run(Position.from_text(GAME, fen), simulations=100_000).simulations


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, choices=range(1, 7), default=5)
    parser.add_argument("--their-depth", type=int, choices=range(1, 7), default=4)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(processor())
    depth, their_depth = options.depth, options.their_depth
    if (ours(depth), theirs(chess.Board(), their_depth)) != (KNOWN[depth], KNOWN[their_depth]):
        raise SystemExit("the counts are not those known")
    print(f"perft({depth}) {KNOWN[depth]:,} nodes, python-chess perft({their_depth}) {KNOWN[their_depth]:,}")
    sides = {
        "tandem": lambda: per_second(lambda: ours(depth)),
        "python-chess": lambda: per_second(lambda: theirs(chess.Board(), their_depth)),
    }
    report(in_turn(sides, options.runs), "nodes/s", "python-chess")
    print("mode search, 100,000 simulations")
    searches = {name: lambda fen=fen: per_second(lambda: simulations(fen)) for name, fen in POSITIONS.items()}
    report(in_turn(searches, options.runs), "simulations/s", "start")


if __name__ == "__main__":
    main()
