"""Mates in two that a player finds: python benchmarks/mates.py SPEC [--seconds 2] [--problems FILE].

A problem counts as solved when the player's move is the key, the only one after which every answer can be mated. Keys
that neither check nor take are the hard ones, and are counted by themselves. Shares come with Wilson's 95 % interval.

    python benchmarks/mates.py --make GAMES.pgn --problems FILE

makes problems of the positions of games: of each game at most one, in which no move mates at once and exactly one mates
in two, as going through all moves, answers and moves shows; no two alike up to mirror images and colours, and as many
with quiet keys as with others.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from tqdm import tqdm

from engine.gamefile import PlayedGame, read_games
from engine.position import Position
from games.cli import run_main
from games.compiler import kernel
from games.contract import Game, StateArray
from games.errors import TandemError
from games.loader import load
from games.processes import processor
from games.rules import rules
from players.player import make_player
from players.spec import parse_spec
from selfplay.intervals import wilson

PROBLEMS = Path(__file__).resolve().parent / "data" / "mate_in_2.epd"
EPD = re.compile(r"(\S+ [wb] \S+ \S+) bm (\S+); dm 2;")
LEAST_PIECES = 8  # kings included: with fewer, mates are all alike
MOST_EACH = 100  # problems made with quiet keys, and with others


class Problem(NamedTuple):
    """A position in which `key`, in SAN, alone mates in two; `quiet` keys neither check nor take."""

    position: Position
    key: str
    quiet: bool


@cache
def prover(game: Game) -> Callable[[StateArray, Any], tuple[int, int]]:
    """A kernel that counts, in states[0], the moves that mate at once and those that mate in two; it writes the latter.

    All moves, all answers and all second moves are looked at until a mate is found or none is left.
    """
    r_legal, r_play, r_outcome, most = game.legal, game.play, game.outcome, game.max_legal

    @kernel(game)
    def prove(states: Any, keys: Any) -> Any:
        at = np.repeat(states[:1], 4)
        first, answers = np.empty(most, np.int32), np.empty(most, np.int32)
        second, none = np.empty(most, np.int32), np.empty(most, np.int32)
        at_once = in_two = 0
        for i in range(r_legal(at[0], first)):
            at[1] = at[0]
            r_play(at[1], first[i])
            count = r_legal(at[1], answers)
            if count == 0:
                at_once += r_outcome(at[1]) < 0
                continue
            forced = True
            for j in range(count):
                at[2] = at[1]
                r_play(at[2], answers[j])
                mated = False
                for k in range(r_legal(at[2], second)):
                    at[3] = at[2]
                    r_play(at[3], second[k])
                    if r_legal(at[3], none) == 0 and r_outcome(at[3]) < 0:
                        mated = True
                        break
                if not mated:
                    forced = False
                    break
            if forced:
                keys[in_two] = first[i]
                in_two += 1
        return at_once, in_two

    return prove


def only_key(game: Game, state: StateArray) -> int | None:
    """The one action that mates in two where none mates at once; None where there is none or are several."""
    keys = np.empty(game.max_legal, np.int64)
    at_once, in_two = prover(game)(state, keys)
    return int(keys[0]) if (at_once, in_two) == (0, 1) else None


def read_problems(game: Game, path: Path) -> list[Problem]:
    """The problems of an EPD file; TandemError when it cannot be read."""
    problems = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TandemError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        found = EPD.fullmatch(line.strip())
        if found is None:
            raise TandemError(f"{path} line {number}: write a problem as FOUR FIELDS OF A FEN bm MOVE; dm 2;")
        position = Position.from_text(game, f"{found[1]} 0 1")
        problems.append(Problem(position, found[2], quiet(found[2])))
    return problems


def quiet(key: str) -> bool:
    """Whether a move in SAN neither checks nor takes."""
    return not re.search(r"[x+]", key)


def make_problems(game: Game, games: Path) -> Iterator[str]:
    """The lines of problems found in a file of games, as EPD."""
    import chess

    from games.chess_text import board_of

    seen, made = set[bytes](), Counter[bool]()
    for found in read_games(game, games):
        if min(made[True], made[False]) == MOST_EACH:
            return
        if not isinstance(found, PlayedGame):
            continue
        for state in found.position.states:
            board = board_of(game.record(state))
            if chess.popcount(board.occupied) < LEAST_PIECES or not rules(game).legal(state):
                continue
            # Without its past: the clock says nothing about a mate, and the count of moves nothing about a problem.
            alone = game.from_text(f"{board.epd(en_passant='legal')} 0 1")
            images = {image.tobytes() for turned in (alone, _turned(alone)) for image in rules(game).images(turned)}
            if not seen.isdisjoint(images):
                continue
            key = only_key(game, alone)
            if key is None:
                continue
            san = board.san(chess.Move.from_uci(game.format_action(alone, key)))
            if made[quiet(san)] < MOST_EACH:
                made[quiet(san)] += 1
                seen |= images
                yield f"{board.epd(en_passant='legal')} bm {san}; dm 2;"
                break


def _turned(state: StateArray) -> StateArray:
    """The same position with the colours changed: records are seen by the player to move."""
    turned = state.copy()
    turned["ply"] ^= 1
    return turned


def main(words: list[str]) -> int:
    """Print how many problems a player solves, or make some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="search", help="a player of our own, such as hybrid:model=FILE")
    parser.add_argument("--seconds", type=float, default=2.0, help="a problem, where the spec has no budget (2)")
    parser.add_argument("--problems", type=Path, default=PROBLEMS)
    parser.add_argument("--make", type=Path, metavar="GAMES", help="write problems found in games to --problems")
    options = parser.parse_args(words)
    game = load("chess")
    if options.make:
        lines = list(tqdm(make_problems(game, options.make), unit=" problems", disable=None))
        options.problems.write_text("".join(f"{line}\n" for line in lines))
        print(f"{len(lines)} problems")
        return 0
    spec = parse_spec(options.spec)
    if spec.simulations is None and spec.seconds is None:
        spec = spec.with_options(seconds=options.seconds)
    player, problems = make_player(game, spec), read_problems(game, options.problems)
    player.choose(problems[0].position)  # compiles
    solved = dict[bool, list[bool]]()
    with tqdm(problems, unit=" problems", disable=None) as bar:
        for problem in bar:
            player.new_game()
            move = player.choose(problem.position).action
            wanted = game.parse_action(problem.position.state, problem.key)
            solved.setdefault(problem.quiet, []).append(move == wanted)
            bar.set_postfix_str(f"{sum(map(sum, solved.values()))} solved")
    print(processor())
    print(f"{spec}, mates in two whose key it plays:")
    groups = {"quiet keys": solved.get(True, []), "checks, captures": solved.get(False, [])}
    for name, marks in {"all": [mark for group in groups.values() for mark in group], **groups}.items():
        if marks:
            right, low, high = sum(marks), *wilson(sum(marks), len(marks))
            print(f"  {name:<18} {right:4} of {len(marks):4}  {right / len(marks):6.1%} ({low:.1%} to {high:.1%})")
    player.close()
    return 0


if __name__ == "__main__":
    run_main(main)
