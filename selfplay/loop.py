"""The training loop: rounds of self-play and learning side by side, until the budget is spent or Ctrl-C.

A round: the actors play a fixed number of plies with the round's weights while the trainer takes the steps that the
last round's positions paid for. Then games go to the store and the replay, weights to the actors. The two overlap,
yet neither sees the other's work before the round ends, so a counted budget repeats exactly.
"""

import json
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter

from games.contract import Game
from games.errors import TandemError
from games.files import write_atomic
from games.processes import cores
from nets.checkpoint import save_model
from nets.evaluator import TorchEvaluator
from selfplay.config import TrainConfig
from selfplay.executors import EXECUTORS, Worker
from selfplay.records import GameBatch
from selfplay.replay import Replay
from selfplay.rundir import RunDir
from selfplay.store import Store
from selfplay.strength import Strength, measure
from selfplay.trainer import Losses, Trainer

TRAINER_FILE, STATE_FILE, MODEL_FILE = "trainer.safetensors", "state.json", "model.safetensors"
LEAST_POSITIONS = 4  # batches in the replay before training starts
ROUND_FLOPS = 4.8e10  # of a round's plies, were each evaluated once: some seconds' work on two cores
LEAST_PLIES, MOST_PLIES = 1_000, 16_000


def shown(value: float) -> str:
    """A budget's number as a flag reads it: whole ones in full, 1e+06 being no count of games."""
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Budget:
    """What a run is asked for in all, resumed parts included: exactly one of the three."""

    minutes: float | None = None
    games: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if len(given) != 1:
            raise TandemError("give one budget: --minutes, --games or --steps")
        for name, value in given.items():
            if not 0 < value < math.inf:
                raise TandemError(f"{name} must be above 0, not {value}")

    def __str__(self) -> str:
        return next(f"{shown(value)} {name}" for name, value in asdict(self).items() if value is not None)

    def flag(self) -> str:
        """The flag that asks for it."""
        return next(f"--{name} {shown(value)}" for name, value in asdict(self).items() if value is not None)

    def doubled(self) -> "Budget":
        """Twice as much of the same."""
        return Budget(**{name: value and 2 * value for name, value in asdict(self).items()})


@dataclass
class Progress:
    """What a run has done so far; saved with every checkpoint."""

    seconds: float = 0.0
    core_seconds: float = 0.0
    rounds: int = 0
    games: int = 0
    positions: int = 0
    evaluations: int = 0
    steps: int = 0
    bucket: float = 0.0  # training samples paid for and not yet drawn

    def share(self, budget: Budget) -> float:
        """How much of the budget is spent, 0 to 1 and beyond."""
        if budget.minutes is not None:
            return self.seconds / (60 * budget.minutes)
        return self.games / budget.games if budget.games else self.steps / (budget.steps or 1)


@dataclass(frozen=True)
class RoundReport:
    """What the loop tells whoever watches, after each round."""

    progress: Progress
    share: float
    losses: Losses | None
    strength: Strength | None
    evaluations_per_second: float
    positions_per_second: float
    mean_plies: float


@dataclass(frozen=True)
class Work:
    """What a round came to: games that ended, positions, plies of those games, and the losses."""

    games: int
    positions: int
    plies: int
    losses: Losses


class Loop:
    """One run in one process; `run` may be called once. `stop` may be called from a signal handler."""

    make_trainer: Callable[[Game, TrainConfig], Trainer] = Trainer

    def __init__(self, game: Game, config: TrainConfig, budget: Budget, run: RunDir) -> None:
        torch.set_num_threads(1)  # cores are for groups of games and the trainer, one each
        self.game, self.config, self.budget, self.run_dir = game, config, budget, run
        self.trainer, self.replay, self.progress = self.make_trainer(game, config), Replay(game), Progress()
        self.store = Store(run.games, game.rules_id, writable=True)
        self._stop = threading.Event()
        self._deadline: float | None = None
        if run.resumed:
            self._resume()
        self.workers: list[Worker] = []
        # Counted from the net's cost, not from a clock, so that rounds take some seconds and still repeat.
        affordable = int(ROUND_FLOPS / self.trainer.net_config.flops(game))
        self.plies_per_round = config.plies_per_round or min(max(affordable, LEAST_PLIES), MOST_PLIES)
        self.board: SummaryWriter | None = None
        self.strength: Strength | None = None
        self._measuring: Future[Strength | None] | None = None
        self._began = self._saved_at = self._measured_at = time.monotonic()

    def stop(self) -> None:
        """Ask the run to end after what is under way; it saves itself then."""
        self._stop.set()

    def _over(self) -> bool:
        return self._stop.is_set() or (self._deadline is not None and time.monotonic() >= self._deadline)

    def run(self, watch: Callable[[RoundReport], None]) -> Progress:
        """Train until the budget is spent or stop() was called; saves at the end, also when a round fails."""
        self.board = SummaryWriter(str(self.run_dir.tensorboard))
        self._hire()
        self._began = time.monotonic() - self.progress.seconds
        if self.budget.minutes is not None:
            self._deadline = self._began + 60 * self.budget.minutes
        try:
            with ThreadPoolExecutor(len(self.workers) + 2) as pool:
                try:
                    while not self._over() and self.progress.share(self.budget) < 1:
                        watch(self._round(pool))
                finally:
                    self._stop.set()
        finally:  # the threads have ended by now: nobody trains what is being saved
            self._save()
            self.board.close()
            for worker in self.workers:
                worker.close()
        return self.progress

    def _hire(self) -> None:
        """Start the actors, and wait until they are ready."""
        first, actors = self.store.next_game_number(), self.config.actors or cores()
        for i in range(actors):
            make = EXECUTORS[self.config.executor]
            self.workers.append(make(self.game, self.config, self.trainer.average, first + i, actors))
        for worker in self.workers:
            worker.wait(self._stop.is_set)

    def _round(self, pool: ThreadPoolExecutor) -> RoundReport:
        began, cores_began, evaluations = time.monotonic(), self._core_seconds(), self._evaluations()
        p, config = self.progress, self.config
        if self._measuring is None and time.monotonic() - self._measured_at > config.strength_seconds:
            evaluator, self._measured_at = TorchEvaluator(self.trainer.average), time.monotonic()
            self._measuring = pool.submit(measure, self.game, evaluator, config.seed, self._stop.is_set)
        work = self._work(pool)
        losses = work.losses
        made = self._evaluations() - evaluations
        p.evaluations += made
        seconds = time.monotonic() - began
        p.seconds = time.monotonic() - self._began
        p.core_seconds += self._core_seconds() - cores_began
        p.rounds += 1
        fresh = None
        if self._measuring is not None and self._measuring.done():
            fresh, self._measuring = self._measuring.result(), None
            self.strength = fresh or self.strength
        if time.monotonic() - self._saved_at > config.checkpoint_seconds:
            self._save()
        report = RoundReport(
            p, p.share(self.budget), losses if losses.steps else None, fresh, made / seconds, work.positions / seconds,
            work.plies / max(work.games, 1),
        )  # fmt: skip
        self._write_scalars(report)
        return report

    def _work(self, pool: ThreadPoolExecutor) -> Work:
        """A round's self-play and training, side by side."""
        p, config = self.progress, self.config
        effort = config.late_effort ** min(p.share(self.budget), 1.0)
        plies = max(1, int(self.plies_per_round / effort) // len(self.workers))
        playing = [pool.submit(worker.play, plies, self._over, effort) for worker in self.workers]
        steps = int(p.bucket // config.batch) if len(self.replay) >= LEAST_POSITIONS * config.batch else 0
        if self.budget.steps is not None:
            steps = min(steps, self.budget.steps - p.steps)
        training = pool.submit(self.trainer.train, self.replay, steps, p.share(self.budget), self._over)
        batches = [future.result() for future in playing]
        losses = training.result()
        games = GameBatch.concat(batches)
        self._collect(games, losses)
        return Work(len(games), games.positions, len(games.actions), losses)

    def _collect(self, games: GameBatch, losses: Losses) -> None:
        """The end of a round: games to store and replay, positions to the bucket, weights to the actors."""
        p, config = self.progress, self.config
        if len(games):
            self.store.append(games)
            self.replay.append(games)
        self.store.maybe_flush(time.monotonic())
        p.games += len(games)
        p.positions += games.positions
        p.steps += losses.steps
        p.bucket += games.positions * config.reuse - losses.steps * config.batch
        self.replay.forget(max(config.window_least, int(config.window_share * p.positions)))
        if losses.steps:
            for worker in self.workers:
                worker.load(self.trainer.average)

    def _evaluations(self) -> int:
        return sum(worker.evaluations for worker in self.workers)

    def _core_seconds(self) -> float:
        return time.process_time() + sum(worker.core_seconds for worker in self.workers)

    def _write_scalars(self, report: RoundReport) -> None:
        scalars: dict[str, float] = {
            "speed/evaluations_per_second": report.evaluations_per_second,
            "speed/positions_per_second": report.positions_per_second,
            "games/mean_plies": report.mean_plies,
            "games/total": self.progress.games,
        }
        if report.losses:
            scalars |= {f"loss/{name}": value for name, value in asdict(report.losses).items() if name != "steps"}
        if report.strength:
            scalars |= report.strength.scalars()
        assert self.board is not None
        for name, value in scalars.items():
            self.board.add_scalar(name, value, self.progress.steps)
        self.run_dir.log("round", **asdict(self.progress), **scalars)

    def card(self) -> dict[str, Any]:
        """What the run's model files say of themselves."""
        p = self.progress
        card: dict[str, Any] = {
            "made_by": f"python train.py {self.game.spec} {self.budget.flag()}",
            "config": asdict(self.config),
            "games": p.games,
            "positions": p.positions,
            "evaluations": p.evaluations,
            "steps": p.steps,
            "minutes": round(p.seconds / 60, 2),
            "core_minutes": round(p.core_seconds / 60, 2),
        }
        if self.strength:
            card["strength"] = str(self.strength)
        return card

    def _save(self) -> None:
        """Publish games, a full checkpoint, the playable model and a step of the ladder."""
        self._saved_at = time.monotonic()
        self.store.flush()
        if not self.trainer.sound():
            return  # the last good checkpoint and model stay the newest

        def write(folder: Path) -> None:
            self.trainer.save(folder / TRAINER_FILE)
            write_atomic(folder / STATE_FILE, json.dumps(asdict(self.progress)).encode())

        self.run_dir.publish_checkpoint(self.trainer.step, write)
        self.run_dir.prune(keep_full=3)
        model = self.run_dir.path / MODEL_FILE
        save_model(model, self.trainer.average, self.trainer.net_config, self.game, self.card())
        write_atomic(self.run_dir.ladder_path(self.trainer.step), model.read_bytes())
        self.run_dir.thin_ladder()

    def _resume(self) -> None:
        """Go on from the newest sound checkpoint, with the games of every sound shard."""

        def load(folder: Path) -> None:
            self.trainer.load(folder / TRAINER_FILE)
            try:
                state = Progress(**json.loads((folder / STATE_FILE).read_bytes()))
                for item in fields(Progress):
                    setattr(state, item.name, type(getattr(Progress(), item.name))(getattr(state, item.name)))
                self.progress = state
            except (OSError, ValueError, TypeError) as error:
                raise TandemError(f"{folder / STATE_FILE} is damaged: {error}") from None

        self.run_dir.latest_valid(load)
        games, p = 0, self.progress
        for _, batch in self.store.new_batches():
            games += len(batch)
            self.replay.append(batch)
            self.replay.forget(max(self.config.window_least, int(self.config.window_share * self.replay.positions)))
        # A kill leaves games that the checkpoint does not know of.
        p.bucket += self.config.reuse * max(self.replay.positions - p.positions, 0)
        p.games, p.positions = max(games, p.games), max(self.replay.positions, p.positions)
