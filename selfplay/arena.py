"""Two players against each other: paired openings, colours swapped, all cores, Elo with its interval.

    python -m selfplay.arena connect4 hybrid:simulations=100 search:seconds=0.1 --games 400

Pairs are spread over processes, not threads: 24 pairs of hybrid:simulations=100 (mlp:512-256) against
search:simulations=1000 on two cores took 1.4 s in two processes, 6.7 s in two threads and 2.6 s in one, as threads hand
Python's lock to and fro at every single evaluation.
"""

import sys
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing

from tqdm import tqdm

from games.cli import INTERRUPTED, Parser, run_main
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.processes import cores
from players.match import PairRecord, Table, openings
from players.player import needs_torch
from players.process import REPLY_SECONDS
from players.ready import check_player, compile_player
from players.report import MatchResult
from players.spec import PlayerSpec, parse_spec
from selfplay.pool import Desk, in_processes, one_torch_thread

DEFAULT_GAMES = 100
DEFAULT_OPENING_PLIES = 4

Specs = tuple[PlayerSpec, PlayerSpec]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a match; `result` holds the pairs finished by then, or is None when there are none."""

    def __init__(self, result: MatchResult | None) -> None:
        super().__init__()
        self.result = result


def play_match(
    game: Game,
    spec_a: str | PlayerSpec,
    spec_b: str | PlayerSpec,
    games: int = DEFAULT_GAMES,
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    workers: int | None = None,
    reply_seconds: float = REPLY_SECONDS,
    progress: bool = False,
) -> MatchResult:
    """Play `games` games, rounded up to pairs: each random opening twice, with colours swapped.

    With counted budgets the same seed plays the same games, whatever the number of worker processes; 1 plays in this
    process, None takes one for each core. opening_plies None: 4, or a quarter of a shorter game. An external engine
    that fails loses the game and starts anew. Raises TandemError for bad input and Interrupted on Ctrl-C.
    """
    specs = tuple(parse_spec(s) if isinstance(s, str) else s for s in (spec_a, spec_b))
    specs = (specs[0], specs[1])
    plies = min(DEFAULT_OPENING_PLIES, game.max_plies // 4) if opening_plies is None else opening_plies
    workers = _cores(specs) if workers is None else workers
    for name, number, least in (("games", games, 1), ("opening plies", plies, 0), ("workers", workers, 1)):
        if number < least:
            raise TandemError(f"{name} must be at least {least}, not {number}")
    pairs = (games + 1) // 2
    tasks = list(enumerate(openings(game, pairs, plies, seed)))
    for spec in specs:
        check_player(game, spec, reply_seconds)
    workers = min(workers, pairs)
    play = _play_here if workers == 1 else _play_in_processes
    done: list[PairRecord] = []
    count: Counter[float] = Counter()

    def result() -> MatchResult:
        ordered = tuple(sorted(done, key=lambda pair: pair.number))
        return MatchResult(game.spec, (str(specs[0]), str(specs[1])), seed, plies, 2 * pairs, ordered)

    try:
        # A line every few seconds is enough for a file.
        every = 0.1 if sys.stderr.isatty() else 5.0
        with tqdm(total=2 * pairs, unit="game", disable=not progress, mininterval=every) as bar:
            for spec in specs:
                compile_player(game, spec)
            with closing(play(game, specs, tasks, seed, reply_seconds, workers)) as records:
                for record in records:
                    done.append(record)
                    count.update(record.outcomes)
                    score = 0.5 + (count[1.0] - count[-1.0]) / (2 * count.total())
                    running = f"A +{count[1.0]} ={count[0.0]} -{count[-1.0]}, {score:.1%}"
                    bar.set_postfix_str(running, refresh=False)
                    bar.update(2)
    except KeyboardInterrupt:
        raise Interrupted(result() if done else None) from None
    return result()


def _play_here(
    game: Game, specs: Specs, tasks: list[tuple[int, list[int]]], seed: int, reply_seconds: float, workers: int
) -> Generator[PairRecord, None, None]:
    net = any(needs_torch(game, spec) for spec in specs)
    with one_torch_thread(net), closing(Table(game, specs, seed, reply_seconds)) as table:
        for number, opening in tasks:
            record = table.play_pair(number, opening)
            assert record is not None
            yield record


def _play_in_processes(
    game: Game, specs: Specs, tasks: list[tuple[int, list[int]]], seed: int, reply_seconds: float, workers: int
) -> Generator[PairRecord, None, None]:
    return in_processes(_table, (game.spec, specs, seed, reply_seconds), tasks, workers)


def _table(game_spec: str, specs: Specs, seed: int, reply_seconds: float) -> Desk:
    """A worker process's table."""
    game = load(game_spec)
    if any(needs_torch(game, spec) for spec in specs):
        import torch

        torch.set_num_threads(1)
    table = Table(game, specs, seed, reply_seconds)
    return table.play_pair, table.close


def _cores(specs: Specs) -> int:
    """Worker processes that fill the cores that this process may use."""
    return max(cores() // max(spec.threads or 1 for spec in specs), 1)


def main(words: Sequence[str]) -> int:
    """The command line. Returns 0, or 130 when Ctrl-C cut the match short; TandemError for bad input."""
    about, usage, _measured = (__doc__ or "").split("\n\n", 2)
    parser = Parser(prog="python -m selfplay.arena", description=about, epilog=f"example:\n{usage}")
    parser.add_argument("game", metavar="GAME", help="connect4, connect4:columns=8 or the path of a game file")
    parser.add_argument("a", metavar="SPEC", help="player A, such as hybrid:simulations=100 or 'gtp:COMMAND'")
    parser.add_argument("b", metavar="SPEC", help="player B; Elo is of A above B")
    parser.add_argument("--games", type=int, metavar="N", default=DEFAULT_GAMES, help="made even (%(default)s)")
    openings_help = f"random plies that open a game ({DEFAULT_OPENING_PLIES}, or a quarter of a shorter game)"
    parser.add_argument("--opening-plies", type=int, metavar="K", help=openings_help)
    parser.add_argument("--seed", type=int, metavar="S", default=0, help="repeats counted budgets (%(default)s)")
    parser.add_argument("--workers", type=int, metavar="W", help="processes (one for each core)")
    parser.add_argument(
        "--reply-seconds", type=float, metavar="S", default=REPLY_SECONDS, help="of an engine (%(default)s)"
    )
    flags = parser.parse_args(words)
    game = load(flags.game)
    if flags.games > 0 and flags.games % 2:
        print(f"{flags.games} games make no pairs: playing {flags.games + 1}", file=sys.stderr)
    code = 0
    try:
        result = play_match(
            game,
            flags.a,
            flags.b,
            flags.games,
            seed=flags.seed,
            opening_plies=flags.opening_plies,
            workers=flags.workers,
            reply_seconds=flags.reply_seconds,
            progress=True,
        )
    except Interrupted as stopped:
        if stopped.result is None:
            raise
        result, code = stopped.result, INTERRUPTED
        print(f"stopped after {result.games} of {result.asked} games", file=sys.stderr)
    print("\n".join(result.lines()))
    return code


if __name__ == "__main__":
    run_main(main)
