"""Solves early positions ahead, for engine/early.py: python -m selfplay.early GAME --plies N.

Hours of work, so it goes on where it was stopped: what is solved stands in FILE.part, one position and score a line.
"""

from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from engine.early import early_path, save_early
from engine.exact import Exact
from engine.position import Position
from games.cli import Parser, run_main
from games.contract import Game, StateArray
from games.errors import TandemError
from games.files import discard, write_atomic
from games.loader import load
from games.processes import cores, end_with_parent, sigint_ignored
from games.rules import rules

EXAMPLES = "example: python -m selfplay.early connect4 --plies 6"
CHUNK = 4  # positions that a worker solves in a row: neighbours, which share much of what the solver remembers
MEMORY = 2 << 30  # bytes of a worker's table


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


@cache
def _solver(spec: str) -> Exact:
    """This process's solver, which remembers what earlier positions taught it."""
    return Exact(load(spec), memory=MEMORY, early=False)


def _solve(spec: str, states: list[bytes]) -> list[tuple[bytes, int]]:
    exact, game = _solver(spec), load(spec)
    found = []
    for data in states:
        position = Position(game, states=[np.frombuffer(data, game.state).copy()])
        found.append((data, exact.score(position)))
    return found


def solve_ahead(game: Game, plies: int, path: Path, workers: int) -> None:
    """Solve every position of `plies` plies and write the table at `path`; goes on from `path`.part."""
    part = path.with_suffix(".part")
    lines = part.read_text().splitlines() if part.is_file() else []
    solved = {bytes.fromhex(name): int(score) for name, score in (line.split() for line in lines)}
    states = frontier(game, plies)
    todo = [s.tobytes() for s in states if s.tobytes() not in solved]
    chunks = [todo[i : i + CHUNK] for i in range(0, len(todo), CHUNK)]
    with sigint_ignored():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=end_with_parent)
    with pool, part.open("a") as file, tqdm(total=len(states), initial=len(states) - len(todo), unit="position") as bar:
        for future in as_completed([pool.submit(_solve, game.spec, chunk) for chunk in chunks]):
            for data, score in future.result():
                solved[data] = score
                file.write(f"{data.hex()} {score}\n")
                bar.update()
            file.flush()
    scores = np.array([solved[state.tobytes()] for state in states], np.int16)
    write_atomic(path, save_early(game, np.concatenate(states), scores))
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
    if not path.parent.is_dir():
        raise TandemError(f"there is no folder {path.parent}")
    solve_ahead(game, options.plies, path, options.workers)
    return 0


if __name__ == "__main__":
    run_main(main)
