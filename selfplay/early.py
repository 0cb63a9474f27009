"""Solves early positions ahead, for engine/early.py: python -m selfplay.early GAME --plies N.

Hours of work, so it goes on where it was stopped: what is solved stands in FILE.part, one position a line, with its
score and best move.
"""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from engine.early import early_path, save_early
from engine.exact import Exact
from engine.position import Position
from games.cli import Parser, run_main
from games.contract import Game, StateArray
from games.errors import TandemError
from games.files import check_output, discard, write_atomic
from games.loader import load
from games.processes import cores
from games.rules import rules
from selfplay.pool import Desk, in_processes

EXAMPLES = "example:\n  python -m selfplay.early connect4 --plies 2"
CHUNK = 4  # positions that a worker solves in a row: neighbours, which share much of what the solver remembers
MEMORY = 512 << 20  # bytes of a worker's table: a larger one forgets less, but is slower to look things up in

Solved = tuple[int, int]  # score and best move


def frontier(game: Game, plies: int) -> list[StateArray]:
    """Every position that is `plies` plies old and not over, one of each that symmetries make alike, kin together."""
    seen: dict[bytes, StateArray] = {}
    visited: set[bytes] = set()

    def visit(position: Position) -> None:
        image = rules(game).images(position.state)[0]
        name = image.tobytes()
        if position.ended or name in visited:
            return
        visited.add(name)
        if position.ply == plies:
            seen[name] = image
            return
        for action in position.legal():
            position.play(action)
            visit(position)
            position.undo()

    visit(Position(game))
    return list(seen.values())


def _desk(spec: str) -> Desk:
    """A worker's solver, which remembers what earlier positions taught it."""
    game = load(spec)
    exact = Exact(game, memory=MEMORY, early=False)

    def solve(states: list[bytes], stop: Callable[[], bool]) -> list[tuple[bytes, Solved]] | None:
        found = []
        for data in states:
            if stop():
                return None
            position = Position(game, states=[np.frombuffer(data, game.state).copy()])
            found.append((data, exact.best(position)))
        return found

    return solve, lambda: None


def read_part(path: Path, game: Game, plies: int) -> dict[bytes, Solved]:
    """What an unfinished table has so far; a last line that was cut short is left out.

    Raises TandemError when it is another table's.
    """
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
    if not lines:
        return {}
    try:
        header = json.loads(lines[0])
        solved = {bytes.fromhex(name): (int(score), int(move)) for name, score, move in map(str.split, lines[1:])}
    except ValueError:
        raise TandemError(f"{path} is damaged; delete it") from None
    if header != _header(game, plies):
        raise TandemError(f"{path} is of other rules or another number of plies; delete it, or name another --out")
    return solved


def _header(game: Game, plies: int) -> dict[str, object]:
    return {"rules_id": game.rules_id, "plies": plies}


def solve_ahead(game: Game, plies: int, path: Path, workers: int) -> None:
    """Solve every position of `plies` plies and write the table at `path`; goes on from `path`.part."""
    part, states = path.with_suffix(".part"), frontier(game, plies)
    if not states:
        raise TandemError(f"every game of {game.spec} is over after {plies} plies; give fewer --plies")
    solved = read_part(part, game, plies)
    todo = [s.tobytes() for s in states if s.tobytes() not in solved]
    tasks = [(todo[i : i + CHUNK],) for i in range(0, len(todo), CHUNK)]
    lines = [f"{name.hex()} {score} {move}" for name, (score, move) in solved.items()]
    write_atomic(part, ("\n".join([json.dumps(_header(game, plies)), *lines]) + "\n").encode())
    with (
        closing(in_processes(_desk, (game.spec,), tasks, workers)) as results,
        part.open("a", encoding="utf-8") as file,
        tqdm(total=len(states), initial=len(states) - len(todo), unit="position") as bar,
    ):
        for found in results:
            for data, (score, move) in found:
                solved[data] = score, move
                file.write(f"{data.hex()} {score} {move}\n")
                bar.update()
            file.flush()
    pairs = np.array([solved[state.tobytes()] for state in states], np.int16)
    write_atomic(path, save_early(game, np.concatenate(states), pairs[:, 0], pairs[:, 1]))
    discard(part)
    print(f"{len(states)} positions of {plies} plies in {path}")


def main(arguments: list[str]) -> int:
    """Solve every position some plies from the start, once of each that symmetries make alike."""
    parser = Parser(prog="python -m selfplay.early", description=main.__doc__, epilog=EXAMPLES)
    parser.add_argument("game")
    parser.add_argument("--plies", type=int, required=True, metavar="N", help="how far from the start")
    parser.add_argument("--workers", type=int, default=cores(), metavar="W", help="processes (one for each core)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the table (engine/tables/GAME.npz)")
    options = parser.parse_args(arguments)
    game = load(options.game)
    if not 0 <= options.plies < game.max_plies or options.workers < 1:
        raise TandemError(f"--plies must lie between 0 and {game.max_plies - 1}, --workers be at least 1")
    path = options.out or early_path(game)
    if not options.out:
        path.parent.mkdir(exist_ok=True)
    check_output(path)
    solve_ahead(game, options.plies, path, options.workers)
    return 0


if __name__ == "__main__":
    run_main(main)
