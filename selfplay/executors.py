"""Where actors run: in a thread of this process, or each in a process of its own.

Small nets answer so fast that threads spend their time handing Python's lock to and fro; processes do not share it.
An actor process holds no truth: when it dies, the run stops with its games saved, and goes on when started again.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, Protocol

import torch
from torch import nn

from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.processes import end_with_parent, sigint_held
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.actor import Actor
from selfplay.config import TrainConfig
from selfplay.records import GameBatch
from selfplay.shards import from_bytes, to_bytes

POLL_SECONDS = 0.05


def compile_kernels(game: Game, config: TrainConfig, model: nn.Module) -> None:
    """Fill the cache of kernels here, once, rather than in every actor's process at the same time."""
    Actor(game, replace(config, games_per_actor=1), TorchEvaluator(model)).step()


class Worker(Protocol):
    """One actor, wherever it runs."""

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""

    @property
    def core_seconds(self) -> float:
        """Processor seconds spent outside this process."""

    def play(self, plies: int, stop: Callable[[], bool], effort: float) -> GameBatch:
        """Actor.play; blocks. Raises TandemError when the actor fails."""

    def load(self, model: nn.Module) -> None:
        """Play with these weights from now on."""

    def wait(self, stop: Callable[[], bool]) -> None:
        """Return when it is ready to play, or stop() says that it need not. Raises TandemError when it has died."""

    def close(self) -> None:
        """End it."""


class ThreadWorker:
    """An actor in this process, for the thread that calls it."""

    core_seconds = 0.0  # this process's own clock counts it

    def __init__(self, game: Game, config: TrainConfig, model: nn.Module, first_number: int, stride: int) -> None:
        self.evaluator = TorchEvaluator(model)
        self.actor = Actor(game, config, self.evaluator, first_number=first_number, stride=stride)

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""
        return self.actor.evaluations

    def play(self, plies: int, stop: Callable[[], bool], effort: float) -> GameBatch:
        """Actor.play."""
        return self.actor.play(plies, stop, effort)

    def load(self, model: nn.Module) -> None:
        """Play with these weights from now on."""
        self.evaluator.load(model)

    def wait(self, stop: Callable[[], bool]) -> None:
        """Ready from the start."""

    def close(self) -> None:
        """Nothing to end."""


class ProcessWorker:
    """An actor in a process of its own. The caller's main module must be importable (the usual __main__ guard)."""

    def __init__(self, game: Game, config: TrainConfig, model: nn.Module, first_number: int, stride: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.stopped, self.ready, self.rules_id = context.Event(), context.Event(), game.rules_id
        self.evaluations, self.core_seconds = 0, 0.0
        arguments = (theirs, self.stopped, self.ready, game.spec, config, first_number, stride)
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

    def play(self, plies: int, stop: Callable[[], bool], effort: float) -> GameBatch:
        """Actor.play over there. Raises TandemError when it fails or its process has died."""
        self.stopped.clear()
        try:
            self.connection.send(("play", (plies, effort)))
            while not self.connection.poll(POLL_SECONDS):
                if stop():
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
        self.process.terminate()
        self.process.join()


EXECUTORS: dict[str, Callable[[Game, TrainConfig, nn.Module, int, int], Worker]] = {
    "processes": ProcessWorker,
    "threads": ThreadWorker,
}


def serve(
    connection: Connection,
    stopped: Event,
    ready: Event,
    spec: str,
    config: TrainConfig,
    first_number: int,
    stride: int,
) -> None:
    """What an actor's process does: load weights and play as it is told, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's to handle
    end_with_parent()
    torch.set_num_threads(1)
    game = load(spec)
    model = build(NetConfig.parse(config.net), game)
    evaluator = TorchEvaluator(model)
    actor = Actor(game, config, evaluator, first_number=first_number, stride=stride)
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


def _reply(actor: Actor, plies: int, effort: float, stopped: Event) -> Any:
    """The games as bytes with the counters, or the words of what went wrong."""
    try:
        data = to_bytes(actor.play(plies, stopped.is_set, effort), actor.game.rules_id)
    except TandemError as error:
        return str(error)
    except Exception as error:  # whatever it is, the run should end with its words and its games saved
        return f"an actor failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return data, actor.evaluations, time.process_time()
