"""The training loop: rounds of self-play and learning side by side, until the budget is spent or Ctrl-C.

A run that is given records begins with rounds in which games are read from files in the place of being played; one
that is given a teacher goes on with rounds in which that one plays them.

A round: the actors play a number of plies (pace.py) with the round's weights while the trainer takes the steps that
earlier rounds' positions paid for. Then games go to the store and the replay, weights to the actors. The two overlap,
yet neither sees the other's work before the round ends, so a counted budget repeats exactly.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass

import torch

from games.contract import Game
from games.errors import TandemError
from nets.evaluator import TorchEvaluator
from selfplay.board import Board
from selfplay.budget import Budget, Progress
from selfplay.clock import Clock
from selfplay.config import TrainConfig
from selfplay.divergence import Diverged
from selfplay.executors import Executor, make_executor
from selfplay.gamestats import game_scalars
from selfplay.holdings import Holdings
from selfplay.pace import Pace
from selfplay.reading import Place, Reader, Source
from selfplay.records import GameBatch
from selfplay.rundir import RunDir
from selfplay.strength import Strength, measure
from selfplay.trainer import Losses, Trainer

LEAST_POSITIONS = 4  # batches in the replay before training starts
ROUND_FLOPS = 4.8e10  # of a round's plies, were each evaluated once: some seconds' work on two cores
LEAST_PLIES, MOST_PLIES = 1_000, 16_000
MOST_MEASURING = 0.1  # of a run's time may go to measuring strength, however long the game
NO_STEPS = Losses(0.0, 0.0, 0.0, 0.0, 0)
READ_POSITIONS = 16_000  # of a round's records: about a second's work


@dataclass(frozen=True)
class RoundReport:
    """What the loop tells whoever watches, after each round.

    games are those of gamestats.game_scalars. seconds are of the round and of what it did, side by side in part, by
    kind; "playing" lasts until the last actor is done, "waiting" is the rest, for the trainer mostly.
    """

    progress: Progress
    share: float
    losses: Losses | None
    strength: Strength | None
    evaluations_per_second: float
    positions_per_second: float
    steps_per_second: float
    games: dict[str, float]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Work:
    """What a round came to: positions, the losses, and the figures of the games that ended."""

    positions: int
    losses: Losses
    games: dict[str, float]


class Loop:
    """One run in one process; `run` may be called once. `stop` may be called from a signal handler."""

    make_trainer: Callable[[Game, TrainConfig], Trainer] = Trainer

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        budget: Budget,
        run: RunDir,
        sources: Sequence[Source] = (),
        teacher: str | None = None,
        address: str | None = None,
    ) -> None:
        """`sources` are the files of all records that the run was ever given, oldest first; `teacher` a player spec.

        `address` is that of the Ray cluster, where the executor is ray.
        """
        torch.set_num_threads(1)  # cores are for groups of games and the trainer, one each
        self.game, self.config, self.budget, self.run_dir, self.teacher = game, config, budget, run, teacher
        self.address = address
        self.trainer = self.make_trainer(game, config)
        self.holdings = Holdings(game, config, budget, run, self.trainer, sources, teacher)
        self.progress, self.replay, self.store = self.holdings.progress, self.holdings.replay, self.holdings.store
        self._stop = threading.Event()
        self._deadline: float | None = None
        place = Place(self.progress.read_to, self.progress.read_games)
        self.reader = Reader(game, sources[self.progress.files_read :], self.holdings.taken, place)
        self.progress.learnt = self._learnt()
        self.executor: Executor | None = None
        self._past_evaluations, self._past_core_seconds = 0, 0.0  # of actors that are gone
        # Counted from the net's cost, not from a clock, so that rounds take some seconds and still repeat.
        affordable = int(ROUND_FLOPS / self.trainer.net_config.flops(game))
        self.plies_per_round = config.plies_per_round or min(max(affordable, LEAST_PLIES), MOST_PLIES)
        promised = config.executor != "ray" and budget.minutes is None and not run.resumed  # that it repeats
        self.pace = Pace(config, self.plies_per_round, bounded=not promised)
        self.board: Board | None = None
        self.clock = Clock()
        self._measuring: Future[Strength | None] | None = None
        self._measuring_since = 0.0
        self._began = self._saved_at = time.monotonic()
        self._measure_at = self._began + config.strength_seconds

    def stop(self) -> None:
        """Ask the run to end after what is under way; it saves itself then."""
        self._stop.set()

    def _over(self) -> bool:
        return self._stop.is_set() or (self._deadline is not None and time.monotonic() >= self._deadline)

    def run(self, watch: Callable[[RoundReport], None]) -> Progress:
        """Train until the budget is spent or stop() was called; saves at the end, also when a round fails."""
        self.board = Board(self.run_dir.tensorboard)
        self._start_clock()
        try:
            with ThreadPoolExecutor(2) as pool:  # one trains, one measures
                try:
                    if not self.reader.exhausted:
                        self._read_up(pool, watch)
                    self._play(pool, watch, self.being_taught, self.teacher)
                    self._read_up(pool, watch)
                    self._play(pool, watch, lambda: self.progress.share(self.budget) < 1, None)
                finally:
                    self._stop.set()
        finally:  # the threads have ended by now: nobody trains what is being saved
            try:
                self._save()
            finally:
                self._dismiss()
                self.board.close()
        return self.progress

    def _read_up(self, pool: ThreadPoolExecutor, watch: Callable[[RoundReport], None]) -> None:
        """Rounds in which records are read, or what was read or taught is drawn again."""
        while not self._over() and self._learning():
            watch(self._round(pool, self._learn))

    def _play(
        self,
        pool: ThreadPoolExecutor,
        watch: Callable[[RoundReport], None],
        wanted: Callable[[], bool],
        teacher: str | None,
    ) -> None:
        """Rounds of games by the net itself, or by a teacher, for as long as they are wanted."""
        if self._over() or not wanted():
            return
        self._dismiss()
        self._hire(teacher)
        self._start_clock()
        while not self._over() and wanted():
            watch(self._round(pool, self._work if teacher is None else self._be_taught))

    def being_taught(self) -> bool:
        """Whether the teacher has games left to play."""
        if self.teacher is None:
            return False
        p, config = self.progress, self.config
        more = not config.teacher_games or p.taught < config.teacher_games
        if self.budget.games is not None:  # such budgets are of self-play
            return more and config.teacher_games > 0
        return more and p.share(self.budget) < config.teacher_share

    def _start_clock(self) -> None:
        """Count a budget's minutes from now on; what actors take to get ready is no part of them."""
        self._began = time.monotonic() - self.progress.seconds
        if self.budget.minutes is not None:
            self._deadline = self._began + 60 * self.budget.minutes

    def _hire(self, teacher: str | None) -> None:
        """Start the actors, and wait until they are ready."""
        first, model = self.holdings.next_game_number(), self.trainer.average
        self.executor = make_executor(self.game, self.config, model, first, teacher, self.address)
        self.executor.wait(self._stop.is_set)

    def _dismiss(self) -> None:
        """End the actors, and keep what they had counted."""
        if self.executor:
            self.executor.close()
            self._past_evaluations += self.executor.evaluations
            self._past_core_seconds += self.executor.core_seconds
            self.executor = None

    def _round(self, pool: ThreadPoolExecutor, do: Callable[[ThreadPoolExecutor], Work]) -> RoundReport:
        began, cores_began, evaluations = time.monotonic(), self._core_seconds(), self._evaluations()
        p, config = self.progress, self.config
        if self._measuring is None and began > self._measure_at:
            evaluator, self._measuring_since = TorchEvaluator(self.trainer.average), began
            self._measuring = pool.submit(
                self.clock.time, "measuring", measure, self.game, evaluator, config.seed, self._stop.is_set
            )
        work = do(pool)
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
            took = time.monotonic() - self._measuring_since
            self._measure_at = self._measuring_since + max(config.strength_seconds, took / MOST_MEASURING)
            self.holdings.strength = fresh or self.strength
        if time.monotonic() + seconds - self._saved_at > config.checkpoint_seconds:  # the next round ends too late
            self._save()
        report = RoundReport(
            p, p.share(self.budget), losses if losses.steps else None, fresh, made / seconds, work.positions / seconds,
            losses.steps / seconds, work.games, self._seconds_of(time.monotonic() - began),
        )  # fmt: skip
        self._write_scalars(report)
        return report

    def _seconds_of(self, round_seconds: float) -> dict[str, float]:
        """Where a round's time went, as RoundReport has it."""
        spent = self.clock.take()
        busy = sum(spent.get(kind, 0.0) for kind in ("playing", "reading", "saving"))
        return {"round": round_seconds, "waiting": max(round_seconds - busy, 0.0), **spent}

    def _work(self, pool: ThreadPoolExecutor) -> Work:
        """A round's self-play and training, side by side."""
        p, config = self.progress, self.config
        effort = config.late_effort ** min(p.share(self.budget), 1.0)
        games, losses = self._side_by_side(pool, self.pace.steps(p.bucket), effort, None)
        p.games += len(games)
        p.positions += games.positions
        p.bucket += games.positions * config.reuse - losses.steps * config.batch
        self.clock.time("saving", self.holdings.keep, games)
        if losses.steps and self.executor:
            self.executor.load(self.trainer.average)
        return Work(games.positions, losses, game_scalars(games))

    def _be_taught(self, pool: ThreadPoolExecutor) -> Work:
        """A round of a teacher's games, and of training on those before."""
        p, config = self.progress, self.config
        steps = min(int(p.lessons // config.batch), self.pace.lessons)
        games, losses = self._side_by_side(pool, steps, 1.0, self.teacher)
        p.taught += len(games)
        p.taught_positions += games.positions
        p.lessons = max(0.0, p.lessons + games.positions * config.from_epochs - losses.steps * config.batch)
        p.learnt = self._learnt()
        self.clock.time("saving", self.holdings.keep, games)
        return Work(games.positions, losses, game_scalars(games))

    def _side_by_side(
        self, pool: ThreadPoolExecutor, steps: int, effort: float, teacher: str | None
    ) -> tuple[GameBatch, Losses]:
        """The games of all actors, and those steps of training; their number is added to the progress."""
        p, config = self.progress, self.config
        assert self.executor is not None
        if len(self.replay) < LEAST_POSITIONS * config.batch:
            steps = 0
        if self.budget.steps is not None:
            steps = min(steps, self.budget.steps - p.steps)
        training = self._start_training(pool, steps)
        games, failure = GameBatch.from_records([]), None
        try:
            owed = p.bucket if teacher is None else 0.0  # a teacher's games are paid for apart
            plies = self.pace.plies(int(self.plies_per_round * self.executor.scale / effort), owed)
            games = self.clock.time("playing", self.executor.play, plies, self._over, effort, self.pace.until())
        except TandemError as error:
            failure = error
        losses = self._trained(training.result)
        if failure:
            if losses is not None:
                if self.holdings.net_works():
                    raise failure
                self.holdings.roll_back(failure)
                losses = None
            self._dismiss()  # games under way hold what a broken net said
            self._hire(teacher)
        elif losses is None:
            self.executor.load(self.trainer.average)
        losses = losses or NO_STEPS
        p.steps += losses.steps
        return games, losses

    def _trained(self, train: Callable[[], Losses]) -> Losses | None:
        """What training has lost; None when it diverged and was rolled back, its steps with it."""
        try:
            losses = train()
            if losses.steps and not self.trainer.sound():
                raise Diverged(f"a weight is not finite at training step {self.trainer.step}")
        except Diverged as error:
            self.holdings.roll_back(error)
            return None
        return losses

    def _start_training(self, pool: ThreadPoolExecutor, steps: int) -> Future[Losses]:
        share = self.progress.share(self.budget)
        return pool.submit(
            self.clock.time, "training", self.pace.train, self.trainer, self.replay, steps, share, self._over
        )

    def _learnt(self) -> float:
        """How much of what records and a teacher give has been read, played and drawn, 0 to 1."""
        p, config = self.progress, self.config
        there = self.reader.share
        if self.teacher and config.teacher_games:
            there *= min(p.taught / config.teacher_games, 1.0)
        paid = (p.record_positions + p.taught_positions) * config.from_epochs
        return there * (1 - p.lessons / max(paid, 1.0))

    def _lessons_left(self) -> bool:
        """Whether there are records that are not yet read, or samples of them or of a teacher not yet drawn."""
        return not self.reader.exhausted or (self.progress.lessons > 0 and len(self.replay) > 0)

    def _learning(self) -> bool:
        """Whether the next round is one of records."""
        p, config = self.progress, self.config
        whole = self.budget.games is not None  # such budgets are not spent on records
        most = max(config.from_share, config.teacher_share if p.taught else 0.0)
        return self._lessons_left() and (whole or p.share(self.budget) < most)

    def _learn(self, pool: ThreadPoolExecutor) -> Work:
        """A round of records: some are read while the trainer takes steps that those before have paid for.

        The replay is filled to its least size first, or by all there are, so that early games are not drawn alone.
        """
        p, config, reader = self.progress, self.config, self.reader
        filled = reader.exhausted or len(self.replay) >= config.window_least
        paid = p.lessons / config.batch
        most = self.pace.lessons
        if not filled:
            steps = 0
        elif reader.exhausted and paid < 2 * most:  # no short round at the end: it would be averaged over by itself
            steps = math.ceil(paid)
        else:
            steps = min(int(paid), most)
        if self.budget.steps is not None:
            steps = min(steps, self.budget.steps - p.steps)
        training = self._start_training(pool, steps)
        wanted = READ_POSITIONS if not filled or paid < 2 * most else 0
        before = reader.files_read
        games = self.clock.time("reading", reader.take, wanted, self.holdings.next_game_number(), self._over)
        losses = self._trained(training.result) or NO_STEPS
        self.clock.time("saving", self.holdings.keep, games)
        p.records += len(games)
        p.record_positions += games.positions
        p.files_read += reader.files_read - before
        p.read_to, p.read_games = reader.place.end, reader.place.games
        p.steps += losses.steps
        p.lessons = max(0.0, p.lessons + games.positions * config.from_epochs - losses.steps * config.batch)
        p.learnt = self._learnt()
        if reader.exhausted and before < reader.files_read:
            self.run_dir.log("records", report=reader.report())
        return Work(games.positions, losses, game_scalars(games))

    @property
    def strength(self) -> Strength | None:
        """The last that was measured."""
        return self.holdings.strength

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        self.clock.time("saving", self.holdings.save)

    def _evaluations(self) -> int:
        return self._past_evaluations + (self.executor.evaluations if self.executor else 0)

    def _core_seconds(self) -> float:
        theirs = self._past_core_seconds + (self.executor.core_seconds if self.executor else 0)
        return time.process_time() + theirs

    def _write_scalars(self, report: RoundReport) -> None:
        scalars: dict[str, float] = {
            "speed/evaluations_per_second": report.evaluations_per_second,
            "speed/positions_per_second": report.positions_per_second,
            "speed/steps_per_second": report.steps_per_second,
            "games/total": self.progress.games,
            **report.games,
            **{f"time/{kind}": seconds for kind, seconds in report.seconds.items()},
        }
        if report.losses:
            scalars |= {f"loss/{name}": value for name, value in asdict(report.losses).items() if name != "steps"}
        if report.strength:
            scalars |= report.strength.scalars()
        assert self.board is not None
        self.board.add(scalars, self.progress.steps)
        # How much was measured is what an interval takes; as a curve it says nothing.
        counts = {"positions": report.strength.positions, "games": report.strength.games} if report.strength else None
        self.run_dir.log("round", **asdict(self.progress), **scalars, **({"measured": counts} if counts else {}))
