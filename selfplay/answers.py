"""Players answer positions, one move each, on all cores.

Ours remember nothing of the positions before, but for what the exact solver has proven of up to TASK of them; engines
may remember all.
"""

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from engine.modes import EXACT
from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.processes import cores
from games.rng import seed_for
from players.choice import Forfeit, Player
from players.gtp_client import GtpPlayer
from players.player import make_player, needs_torch
from players.process import REPLY_SECONDS
from players.ready import check_player, compile_player, warm_up
from players.spec import PlayerSpec
from players.uci_client import UciPlayer
from selfplay.pool import Desk, in_processes, one_torch_thread

# Positions that one process answers in a row. A constant: the seeds of a task's moves come from where it begins, and
# so the same seed gives the same answers on any number of processes.
TASK = 20
FEW_TASKS = 50  # of counted moves: further processes would take longer to start than to work

Task = tuple[int, int, list[list[int]]]  # which player, the first position's number, the positions' actions


@dataclass(frozen=True)
class Answer:
    """One move in one position. A player that failed has no action, and says why in `forfeit`."""

    action: int | None
    seconds: float  # by the clock
    core_seconds: float | None = None  # of this process; None from players that run in another
    evaluations: int | None = None  # of a net; None from players that do not tell
    forfeit: str = ""


class Exam:
    """Where players answer. Ours are made anew for each task, engines keep running. Not thread-safe."""

    def __init__(
        self, game: Game, specs: Sequence[PlayerSpec], model: Path | None, seed: int, reply_seconds: float
    ) -> None:
        self._game, self._specs, self._model = game, specs, model
        self._seed, self._reply_seconds = seed, reply_seconds
        self._engines: dict[int, Player] = {}
        self._warm: set[int] = set()

    def answer(
        self, which: int, first: int, lines: list[list[int]], stop: Callable[[], bool] = lambda: False
    ) -> tuple[int, int, list[Answer]] | None:
        """One player's answers to the positions after `lines` of actions, with the task's numbers; None once stop()."""
        positions = [_position(self._game, line) for line in lines]
        if which not in self._warm:
            warm_up(self._game, self._specs[which], positions[0], self._model)
            self._warm.add(which)
        player = self._player(which, first)
        answers = []
        try:
            for position in positions:
                if stop():
                    return None
                answers.append(_answer(player, position))
        finally:
            if which not in self._engines:
                player.close()
        return which, first, answers

    def close(self) -> None:
        """End the engines."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def _player(self, which: int, first: int) -> Player:
        spec = self._specs[which]
        if spec.command is not None:
            if which not in self._engines:
                self._engines[which] = make_player(self._game, spec, reply_seconds=self._reply_seconds)
            return self._engines[which]
        seed = seed_for(self._seed, first)
        if spec.seed is not None:
            seed = seed_for(seed, spec.seed)
        return make_player(self._game, spec.with_options(seed=seed), model=self._model)


def _position(game: Game, line: list[int]) -> Position:
    position = Position(game)
    for action in line:
        position.play(action)
    return position


def _answer(player: Player, position: Position) -> Answer:
    player.new_game()
    began, core = time.perf_counter(), time.process_time()
    try:
        if isinstance(player, GtpPlayer):
            player.show(position)  # what it takes to tell an engine the position is no part of its move
            began = time.perf_counter()
        choice = player.choose(position)
    except Forfeit as error:
        return Answer(None, time.perf_counter() - began, forfeit=str(error))
    seconds, worked = time.perf_counter() - began, time.process_time() - core
    evaluations = None if choice.result is None else choice.result.evaluations
    return Answer(choice.action, seconds, None if isinstance(player, GtpPlayer | UciPlayer) else worked, evaluations)


def answers(
    game: Game,
    specs: Sequence[PlayerSpec],
    positions: Sequence[Position],
    *,
    model: Path | None = None,
    seed: int = 0,
    workers: int | None = None,
    reply_seconds: float = REPLY_SECONDS,
    progress: bool = False,
) -> list[list[Answer]]:
    """Each player's answers to all positions, which must start where the game does; [players][positions].

    `model` serves specs that name none. workers None: a process for each core, or this one alone where there is little
    to do. Raises TandemError for players that cannot be made.
    """
    for spec in specs:
        check_player(game, spec, reply_seconds, model)
        compile_player(game, spec, model)
    lines = [position.actions for position in positions]
    # Players take turns, so that a machine that is slower for a while is so for all of them.
    starts = range(0, len(lines), TASK)
    tasks: list[Task] = [(which, i, lines[i : i + TASK]) for i in starts for which in range(len(specs))]
    if workers is None:
        slow = any(spec.seconds is not None or spec.kind in ("gtp", EXACT) for spec in specs)
        most = max(cores() // max(spec.threads or 1 for spec in specs), 1)
        workers = min(most, len(tasks)) if slow or len(tasks) > FEW_TASKS else 1
    if workers < 1:
        raise TandemError(f"workers must be at least 1, not {workers}")
    settings = (game.spec, tuple(specs), model, seed, reply_seconds)
    done = in_processes(_desk, settings, tasks, workers) if workers > 1 else _here(game, *settings[1:], tasks)
    found: list[list[Answer | None]] = [[None] * len(lines) for _ in specs]
    # A line every few seconds is enough for a file.
    every = 0.1 if sys.stderr.isatty() else 5.0
    bar = tqdm(total=len(specs) * len(lines), unit="move", disable=not progress, leave=False, mininterval=every)
    with bar, closing(done) as results:
        for which, first, part in results:
            found[which][first : first + len(part)] = part
            bar.update(len(part))
    return [[answer for answer in row if answer is not None] for row in found]


def _desk(game_spec: str, specs: Sequence[PlayerSpec], model: Path | None, seed: int, reply_seconds: float) -> Desk:
    """A worker process's exam."""
    game = load(game_spec)
    if any(needs_torch(game, spec, model) for spec in specs):
        import torch

        torch.set_num_threads(1)
    exam = Exam(game, specs, model, seed, reply_seconds)
    return exam.answer, exam.close


def _here(
    game: Game,
    specs: Sequence[PlayerSpec],
    model: Path | None,
    seed: int,
    reply_seconds: float,
    tasks: Sequence[Task],
) -> Generator[tuple[int, int, list[Answer]], None, None]:
    net = any(needs_torch(game, spec, model) for spec in specs)
    with one_torch_thread(net), closing(Exam(game, specs, model, seed, reply_seconds)) as exam:
        for task in tasks:
            result = exam.answer(*task)
            assert result is not None
            yield result
