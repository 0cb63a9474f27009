"""The conformance kit: python -m games.check GAME [--games N], for the games here and for a file of your own.

Plays random games with the plain functions and with the compiled ones, and holds both against the contract. A
finding names the function and its line, the position, the difference and what to write instead.
"""

import time
from math import inf

import numpy as np

from games.cli import BAD_INPUT, Parser, run_main
from games.conformance import Conformance, Report
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.sources import ships

EXAMPLES = """examples:
  python -m games.check mygame.py
  python -m games.check hex:size=5 --games 100
"""
TRAINING_SECONDS = 3.0  # of the kit before a training


def check(game: Game, games: int = 20, seed: int = 0, seconds: float = inf) -> Report:
    """Check a game on random games, of which none begins after `seconds`; at most one finding per function."""
    report = Report(game.name)
    checker = Conformance(game, report)
    with np.errstate(over="ignore"):
        checker.run(games, np.array([seed], np.uint64), time.monotonic() + seconds)
        checker.count()
    return report


def require_sound(game: Game) -> None:
    """Refuse a file of one's own in which the kit finds anything, as TandemError; the games that ship are tested."""
    findings = check(game, seconds=TRAINING_SECONDS).findings if not ships(game.path) else []
    if findings:
        more = f" (and {len(findings) - 1} more: python -m games.check {game.spec})" if findings[1:] else ""
        raise TandemError(findings[0] + more)


def main(arguments: list[str]) -> int:
    """Check one game and print what was found; exit code 0, or that of bad input with findings."""
    parser = Parser(
        prog="python -m games.check", description="Check a game file against the contract.", epilog=EXAMPLES
    )
    parser.add_argument("game", help="a game's name or the path of a game file, parameters after a colon")
    parser.add_argument("--games", type=int, default=20, help="random games to play (20)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.games < 1 or options.seed < 0:
        raise TandemError("--games must be at least 1 and --seed at least 0")
    report = check(load(options.game, tried=False), options.games, options.seed)
    print(f"perft {' '.join(str(n) for n in report.perft)}")
    for finding in report.findings:
        print(finding)
    count = len(report.findings)
    words = f"{count} finding{'s' * (count > 1)}" if count else "all checks hold"
    print(f"{report.game}: {words}, {report.games} random game{'s' * (report.games > 1)}, {report.positions} positions")
    return BAD_INPUT if report.findings else 0


if __name__ == "__main__":
    run_main(main)
