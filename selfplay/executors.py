"""Where actors run: one after the other, in threads, in processes of their own, or on the nodes of a Ray cluster.

All are an Executor to the loop, and actors hold no truth wherever they are: what is lost with one is its games under
way. Small nets answer so fast that threads spend their time handing Python's lock to and fro; processes share none.
"""

import contextlib
import itertools
import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, Protocol

import torch
from torch import nn

from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.processes import cores, end_with_parent, sigint_held
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.actor import Actor
from selfplay.config import TrainConfig
from selfplay.joining import check_cluster
from selfplay.records import GameBatch
from selfplay.shards import from_bytes, to_bytes
from selfplay.teacher import Teacher

POLL_SECONDS = 0.05
MOST_WAITED = 60.0  # seconds, for an actor that was told to stop


def compile_kernels(game: Game, config: TrainConfig, model: nn.Module) -> None:
    """Fill the cache of kernels here, once, rather than in every actor's process at the same time."""
    Actor(game, replace(config, games_per_actor=1), TorchEvaluator(model)).step()


class Executor(Protocol):
    """The actors of a run, as the loop sees them."""

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""

    @property
    def core_seconds(self) -> float:
        """Processor seconds spent outside this process."""

    @property
    def scale(self) -> float:
        """How many times the plies of one machine's round it should be asked for."""

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float = math.inf) -> GameBatch:
        """The games that end while all actors together search about so many plies more, or until stop() says so.

        Blocks; every game is handed out once. effort is Actor.play's. From `until` (time.monotonic) on no step is
        begun. Raises TandemError when it cannot go on.
        """

    def load(self, model: nn.Module) -> None:
        """Play with these weights from now on."""

    def wait(self, stop: Callable[[], bool]) -> None:
        """Return when it is ready to play, or stop() says that it need not. Raises TandemError when it cannot be."""

    def close(self) -> None:
        """End all actors."""


class Worker(Protocol):
    """One actor on this machine."""

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""

    @property
    def core_seconds(self) -> float:
        """Processor seconds spent outside this process."""

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float) -> GameBatch:
        """Actor.play, which `until` ends as stop() does; blocks. Raises TandemError when the actor fails."""

    def load(self, model: nn.Module) -> None:
        """Play with these weights from now on."""

    def wait(self, stop: Callable[[], bool]) -> None:
        """Return when it is ready to play, or stop() says that it need not. Raises TandemError when it has died."""

    def close(self) -> None:
        """End it."""


class Local:
    """The Executor of this machine: workers that each play an equal part of a round.

    With the same number of workers, the same games wherever they run; when one dies, the run stops with its games
    saved, and goes on when started again.
    """

    scale = 1.0

    def __init__(self, workers: Sequence[Worker], *, side_by_side: bool) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(len(workers)) if side_by_side else None

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""
        return sum(worker.evaluations for worker in self.workers)

    @property
    def core_seconds(self) -> float:
        """Processor seconds spent outside this process."""
        return sum(worker.core_seconds for worker in self.workers)

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float = math.inf) -> GameBatch:
        """Executor.play; one after the other, workers share what time there is."""
        each = max(1, plies // len(self.workers))

        def part(worker: Worker, turns: int) -> GameBatch:
            now = time.monotonic()
            return worker.play(each, stop, effort, now + (until - now) / turns)

        if self._pool:
            return GameBatch.concat(self._pool.map(part, self.workers, itertools.repeat(1)))
        return GameBatch.concat(map(part, self.workers, range(len(self.workers), 0, -1)))

    def load(self, model: nn.Module) -> None:
        """Executor.load."""
        for worker in self.workers:
            worker.load(model)

    def wait(self, stop: Callable[[], bool]) -> None:
        """Executor.wait."""
        for worker in self.workers:
            worker.wait(stop)

    def close(self) -> None:
        """End all workers, when those of another thread have ended what they are at."""
        if self._pool:
            self._pool.shutdown()
        for worker in self.workers:
            worker.close()


def make_actor(
    game: Game, config: TrainConfig, evaluator: TorchEvaluator, teacher: str | None, **numbers: Any
) -> Actor | Teacher:
    """Who plays the games: the net with its search, or a teacher, a player spec. Raises TandemError as Teacher does.

    `numbers` are Actor's first_number, stride and numbers.
    """
    if teacher is None:
        return Actor(game, config, evaluator, **numbers)
    return Teacher(game, config, teacher, **numbers)


class ThreadWorker:
    """An actor in this process, for the thread that calls it."""

    core_seconds = 0.0  # this process's own clock counts it

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        model: nn.Module,
        first_number: int,
        stride: int,
        teacher: str | None = None,
    ) -> None:
        self.evaluator = TorchEvaluator(model)
        self.actor = make_actor(game, config, self.evaluator, teacher, first_number=first_number, stride=stride)

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""
        return self.actor.evaluations

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float = math.inf) -> GameBatch:
        """Worker.play."""
        return self.actor.play(plies, lambda: stop() or time.monotonic() >= until, effort)

    def load(self, model: nn.Module) -> None:
        """Play with these weights from now on."""
        self.evaluator.load(model)

    def wait(self, stop: Callable[[], bool]) -> None:
        """Ready from the start."""

    def close(self) -> None:
        """End a teacher's engine; all else ends by itself."""
        if isinstance(self.actor, Teacher):
            self.actor.close()


class ProcessWorker:
    """An actor in a process of its own. The caller's main module must be importable (the usual __main__ guard)."""

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        model: nn.Module,
        first_number: int,
        stride: int,
        teacher: str | None = None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.stopped, self.ready, self.rules_id = context.Event(), context.Event(), game.rules_id
        self.evaluations, self.core_seconds = 0, 0.0
        arguments = (theirs, self.stopped, self.ready, game.spec, config, first_number, stride, teacher)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        with sigint_held():
            self.process.start()
        theirs.close()
        self.load(model)

    def wait(self, stop: Callable[[], bool]) -> None:
        """Return when the process has imported what it needs, its start being no part of a run's time, or on stop()."""
        while not (self.ready.wait(POLL_SECONDS) or stop()):
            if not self.process.is_alive():
                raise self._died()

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float = math.inf) -> GameBatch:
        """Worker.play over there. Raises TandemError when it fails or its process has died."""
        self.stopped.clear()
        try:
            self.connection.send(("play", (plies, effort)))
            waited = 0.0
            while not self.connection.poll(POLL_SECONDS):
                if stop():
                    self.stopped.set()
                    waited += POLL_SECONDS
                    if waited > MOST_WAITED:
                        raise TandemError(f"an actor did not answer for {MOST_WAITED:.0f} s; the same command goes on")
                elif time.monotonic() >= until:
                    self.stopped.set()
            reply = self.connection.recv()
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(reply, str):
            raise TandemError(reply)
        data, self.evaluations, self.core_seconds = reply
        return from_bytes(data, "an actor's games", self.rules_id)

    def _died(self) -> TandemError:
        self.process.join(1)
        return TandemError(f"an actor process ended with code {self.process.exitcode}; the same command goes on")

    def load(self, model: nn.Module) -> None:
        """Send these weights to be played with from now on; a dead actor is noticed by the next play."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
        try:
            self.connection.send(("load", arrays))
        except OSError:
            self.process.join(0)

    def close(self) -> None:
        """End the process, which may be in the middle of a game."""
        self.connection.close()
        self.process.kill()  # which one that hangs obeys, too
        self.process.join()


WORKERS: dict[str, type[ThreadWorker] | type[ProcessWorker]] = {
    "inline": ThreadWorker,
    "processes": ProcessWorker,
    "threads": ThreadWorker,
}


def make_executor(
    game: Game,
    config: TrainConfig,
    model: nn.Module,
    first_number: int,
    teacher: str | None = None,
    address: str | None = None,
) -> Executor:
    """The executor of a configuration, whose games are numbered from first_number on.

    `teacher` is a player spec, or None for the net itself; `address` that of the Ray cluster, None for one of its own
    on this machine. Raises TandemError when there is no such cluster.
    """
    if config.executor == "ray":
        check_cluster(address)
        from selfplay.cluster import RayExecutor  # here alone: nothing else needs Ray

        return RayExecutor(game, config, model, first_number, teacher, address)
    make, actors = WORKERS[config.executor], config.actors or cores()
    workers = [make(game, config, model, first_number + i, actors, teacher) for i in range(actors)]
    return Local(workers, side_by_side=config.executor != "inline")


def serve(
    connection: Connection,
    stopped: Event,
    ready: Event,
    spec: str,
    config: TrainConfig,
    first_number: int,
    stride: int,
    teacher: str | None,
) -> None:
    """What an actor's process does: load weights and play as it is told, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's to handle
    end_with_parent()
    torch.set_num_threads(1)
    game = load(spec)
    model = build(NetConfig.parse(config.net), game)
    evaluator = TorchEvaluator(model)
    try:
        actor = make_actor(game, config, evaluator, teacher, first_number=first_number, stride=stride)
    except TandemError as error:
        ready.set()
        with contextlib.suppress(OSError):
            connection.send(str(error))
        return
    ready.set()
    try:
        while True:
            what, value = connection.recv()
            if what == "load":
                model.load_state_dict({name: torch.from_numpy(array) for name, array in value.items()})
                evaluator.load(model)
            else:
                plies, effort = value
                connection.send(_reply(actor, plies, effort, stopped))
    except (EOFError, OSError):
        return
    finally:
        if isinstance(actor, Teacher):
            actor.close()


def _reply(actor: Actor | Teacher, plies: int, effort: float, stopped: Event) -> Any:
    """The games as bytes with the counters, or the words of what went wrong."""
    try:
        data = to_bytes(actor.play(plies, stopped.is_set, effort), actor.game.rules_id)
    except TandemError as error:
        return str(error)
    except Exception as error:  # whatever it is, the run should end with its words and its games saved
        return f"an actor failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return data, actor.evaluations, time.process_time()
