"""Seconds to solve a Connect Four position, value and distance, against bitbully without its book; and do both agree?

python benchmarks/exact.py [--positions 30]; with 334, agreement on a thousand. Random positions that nobody wins at
once, at 12, 16 and 20 plies, one core, tables emptied before each position; both sides take turns, the order swapped
from one position to the next. Needs bitbully (AGPL; nothing of ours uses it).
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bitbully.bitbully_core as bitbully

from engine.exact import Exact
from engine.position import Position
from games.loader import load
from games.processes import processor
from games.rng import Random


def random_position(plies: int, rng: Random) -> Position:
    """A position after that many random moves that neither side can win with its next stone."""
    game = load("connect4")
    while True:
        position = Position(game)
        while position.ply < plies and not position.ended:
            legal = position.legal()
            position.play(legal[rng.below(len(legal))])
        if position.ended:
            continue
        first = Exact(game, memory=1 << 16).solve(position, nodes=1)
        if first.plies is None:
            return position


def solution(score: int, position: Position) -> tuple[int, int | None]:
    """What a score of bitbully's says: the outcome and, but for draws, the plies to the end.

    It counts the stones that the winner has left, the winning one among them.
    """
    if score == 0:
        return 0, None
    left, lost = position.game.max_plies - position.ply, int(score < 0)
    return (-1 if lost else 1), 2 * ((left + 1 - lost) // 2 - abs(score)) + 1 + lost


def main() -> None:
    """Print mean and median per number of plies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=30)
    parser.add_argument("--plies", type=int, nargs="+", default=[20, 16, 12])
    options = parser.parse_args()
    exact, rng = Exact(load("connect4")), Random(1)
    theirs = bitbully.BitBullyCore()
    exact.solve(random_position(24, rng))
    print(processor())
    for plies in options.plies:
        ours_taken, theirs_taken, agreed = list[float](), list[float](), 0
        for number in range(options.positions):
            position = random_position(plies, rng)
            board = bitbully.BoardCore()
            for action in position.actions:
                assert board.play(action)
            for side in (0, 1) if number % 2 else (1, 0):
                if side:
                    exact.table[:] = 0
                    began = time.perf_counter()
                    found = exact.solve(position)
                    ours_taken.append(time.perf_counter() - began)
                else:
                    theirs.resetTranspositionTable()
                    began = time.perf_counter()
                    score = theirs.mtdf(board, 0)
                    theirs_taken.append(time.perf_counter() - began)
            agreed += (found.value, found.plies) == solution(score, position)
        for name, taken in (("tandem", ours_taken), ("bitbully", theirs_taken)):
            ratio = statistics.fmean(taken) / statistics.fmean(theirs_taken)
            mean, median = 1e3 * statistics.fmean(taken), 1e3 * statistics.median(taken)
            print(f"{plies} plies  {name:<9} mean {mean:9.2f} ms  median {median:9.2f} ms  {ratio:.2f} times bitbully")
        print(f"{plies} plies  the same value and distance in {agreed} of {options.positions} positions", flush=True)


if __name__ == "__main__":
    main()
