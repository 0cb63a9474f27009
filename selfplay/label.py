"""Makes labelled sets: positions of noisy play, decisive ones, with the exact score of every legal move.

The format is that of selfplay/labels.py. A score is the sign of the outcome times (MAX_PLIES + 2 - length) // 2, where
length is the game's, in plies, under perfect play from there: the winner's spare stones plus one in Connect Four.
"""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from engine.exact import Exact, Solution
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.cli import Parser, run_main
from games.contract import Game
from games.errors import TandemError
from games.files import check_output, write_atomic
from games.loader import load
from games.processes import cores
from games.rng import Random, seed_for
from games.rules import rules
from selfplay.labels import read_labels
from selfplay.pool import Desk, in_processes

EXAMPLES = "example:\n  python -m selfplay.label connect4 --positions 1000 --plies 8-36 --seed 7 --out dev.jsonl"
RANDOM_SHARES = (1.0, 0.5, 0.25)  # of moves, in a third of the positions each
SIMULATIONS = 200  # of play-out search, which makes the other moves
CHUNK = 10  # positions a worker makes before it reports
TRIES = 100  # at one position, before it is given up
MOST_SPARE = 10  # times the positions asked for are tried before a set is given up
HOPELESS = 2  # chunks without any position, known ones included, and it is given up too
MEMORY = 256 << 20  # bytes of a worker's table


def canonical(position: Position) -> bytes:
    """The position's identity up to symmetry: the least of its images."""
    return rules(position.game).images(position.state)[0].tobytes()


def noisy_position(game: Game, plies: int, random_share: float, search: Search, rng: Random) -> Position | None:
    """A position after that many plies of play; None when the game ended before."""
    position = Position(game)
    while position.ply < plies and not position.ended:
        legal = position.legal()
        if rng.below(1 << 20) < random_share * (1 << 20):
            position.play(legal[rng.below(len(legal))])
        else:
            position.play(search.run(position, simulations=SIMULATIONS).action)
    return None if position.ended else position


def score(solution: Solution, length: int, most: int) -> int:
    """The labelled score of a move after which a game of `length` plies so far is worth `solution`."""
    if solution.value == 0:
        return 0
    assert solution.plies is not None
    assert solution.value is not None
    return solution.value * ((most + 2 - length - solution.plies) // 2)


def _desk(spec: str, seed: int, plies: tuple[int, int], nodes: int, everything: bool) -> Desk:
    """A worker: what its solver's table learns from one position helps with the next."""
    game = load(spec)
    exact = Exact(game, memory=MEMORY)

    def made(index: int) -> str | None:
        rng, span = Random(seed_for(seed, index)), plies[1] - plies[0] + 1
        share = RANDOM_SHARES[index // span % len(RANDOM_SHARES)]
        search = Search(game, Settings("search", seed=index, memory=4 << 20))
        for _ in range(TRIES):
            position = noisy_position(game, plies[0] + index % span, share, search, rng)
            if position is None:
                continue
            solved = exact.moves(position, nodes=nodes)
            values = {solution.value for solution in solved.values()}
            settled = all(s.value == 0 or s.plies is not None for s in solved.values())
            if settled and (everything or len(values) > 1):
                return f"{canonical(position).hex()} {_line(position, solved)}"
        return None

    def make(number: int, stop: Callable[[], bool]) -> tuple[int, list[str]] | None:
        found = []
        for index in range(number * CHUNK, (number + 1) * CHUNK):
            if stop():
                return None
            found.append(made(index))
        return number, [line for line in found if line]

    return make, lambda: None


def _line(position: Position, solved: dict[int, Solution]) -> str:
    """A position and the scores of its moves as a labelled file holds them."""
    game = position.game
    moves = [game.format_action(p, a) for p, a in zip(position.states, position.actions, strict=False)]
    scores = {
        game.format_action(position.state, action): score(solution, position.ply, game.max_plies)
        for action, solution in solved.items()
    }
    joined = "".join(moves) if all(len(m) == 1 for m in moves) else moves
    return json.dumps({"moves": joined, "ply": position.ply, "scores": scores})


def label(
    spec: str,
    positions: int,
    plies: tuple[int, int],
    *,
    seed: int,
    nodes: int,
    avoid: set[bytes],
    everything: bool = False,
) -> list[str]:
    """JSON lines of `positions` labelled positions, no two alike up to symmetry and none in `avoid`.

    With `everything`, those in which no move is wrong are among them. The same on any number of processes. Raises
    TandemError when there are no more such positions to be found.
    """
    chunks = -(-positions // CHUNK)
    # The workers take them in order, and what is not needed is not begun.
    tasks = [(number,) for number in range(MOST_SPARE * chunks)]
    lines, seen, waiting, number, found = list[str](), set(avoid), dict[int, list[str]](), 0, False
    results = in_processes(_desk, (spec, seed, plies, nodes, everything), tasks, cores())
    with closing(results), tqdm(total=positions, unit="position") as bar:
        for done, made in results:
            waiting[done], found = made, found or bool(made)
            while number in waiting:
                for entry in waiting.pop(number):
                    identity, line = entry.split(" ", 1)
                    if bytes.fromhex(identity) not in seen and len(lines) < positions:
                        seen.add(bytes.fromhex(identity))
                        lines.append(line)
                        bar.update()
                number += 1
            if len(lines) == positions:
                return lines
            if not found and number >= HOPELESS:
                break
    raise TandemError(
        f"only {len(lines)} such positions were found, not {positions}; ask for fewer, or for other --plies"
    )


def main(arguments: list[str]) -> int:
    """Make a labelled set of positions: spread over plies, no two alike up to symmetry, decisive ones but for --all."""
    parser = Parser(prog="python -m selfplay.label", description=main.__doc__, epilog=EXAMPLES)
    parser.add_argument("game")
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--plies", default="", metavar="A-B", help="plies played before a position (the whole game)")
    parser.add_argument("--all", action="store_true", help="keep positions in which no move is wrong, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=100_000_000, help="most nodes of exact search for a position")
    parser.add_argument("--avoid", type=Path, nargs="*", default=[], metavar="FILE", help="sets to have nothing from")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    game = load(options.game)
    first, _, last = (options.plies or f"1-{game.max_plies - 2}").partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) < game.max_plies):
        raise TandemError(f"--plies: write them as 8-36, within 0-{game.max_plies - 1}, not '{options.plies}'")
    if options.positions < 1 or options.nodes < 1:
        raise TandemError("--positions and --nodes must be at least 1")
    check_output(options.out)
    avoid = set[bytes]()
    for path in options.avoid:
        avoid |= {canonical(known.position) for known in read_labels(game, path)}
    span = int(first), int(last)
    lines = label(
        game.spec,
        options.positions,
        span,
        seed=options.seed,
        nodes=options.nodes,
        avoid=avoid,
        everything=options.all,
    )
    write_atomic(options.out, ("\n".join(lines) + "\n").encode())
    counts = np.bincount([json.loads(line)["ply"] for line in lines], minlength=span[1] + 1)[span[0] :]
    print(f"{len(lines)} positions, {counts.min()} to {counts.max()} a ply, in {options.out}")
    return 0


if __name__ == "__main__":
    run_main(main)
