"""Chess games read from a PGN file a second: python benchmarks/pgn.py FILE [--games 300].

Our reader, the whole way to the records that a run stores, and python-chess's reader, in turn, over the first games of
the file. Seconds are the processor's, so that other programs on the machine do not count.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import chess.pgn

from benchmarks.common import in_turn, report
from games import pgn
from games.loader import load
from games.processes import processor
from selfplay.reading import Reader, Source


def main() -> None:
    """Print games a second, each side beside python-chess."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--games", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    game, source = load("chess"), Source.of(options.file)

    def timed(games: Iterable[object]) -> float:
        began, count = time.process_time(), sum(1 for _ in islice(games, options.games))
        return count / (time.process_time() - began)

    def ours() -> float:
        with options.file.open("rb") as file:
            return timed(pgn.parse(game, file))

    def records() -> float:
        reader = Reader(game, [source], {})
        return timed(record for _ in iter(int, 1) for record in reader.take(1000, 0).records())

    def judge() -> float:
        with options.file.open(encoding="utf-8", errors="replace") as file:
            return timed(iter(lambda: chess.pgn.read_game(file), None))

    print(f"{processor()}, python-chess {chess.__version__}")
    sides = {"our reader": ours, "our reader, to records": records, "python-chess": judge}
    report(in_turn(sides, options.runs), "games/s", "python-chess")


if __name__ == "__main__":
    main()
