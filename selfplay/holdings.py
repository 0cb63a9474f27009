"""What a run holds: trainer, replay, store and progress, how they are saved and how a run goes on from them."""

import logging
import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from games.contract import Game
from games.errors import TandemError
from games.files import write_atomic
from games.rng import Random
from nets.checkpoint import save_model
from nets.evaluator import TorchEvaluator
from selfplay.budget import Budget, Progress
from selfplay.config import TrainConfig
from selfplay.divergence import MOST_ROLLBACKS
from selfplay.reading import Source
from selfplay.records import GameBatch
from selfplay.replay import Replay
from selfplay.rundir import RunDir
from selfplay.store import Store
from selfplay.strength import Strength
from selfplay.trainer import Trainer

PROBED = 256  # positions that tell whether a net works
TRAINER_FILE, STATE_FILE, MODEL_FILE = "trainer.safetensors", "state.json", "model.safetensors"

_log = logging.getLogger("tandem")


class Holdings:
    """The trainer, games and progress of one run, in memory and in its folder."""

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        budget: Budget,
        run: RunDir,
        trainer: Trainer,
        sources: Sequence[Source],
        teacher: str | None,
    ) -> None:
        """Begin, or go on from the folder; `taken` then says how many of the games came from which file, by its hash.

        Raises TandemError for a folder without a sound checkpoint.
        """
        self.game, self.config, self.budget, self.run_dir = game, config, budget, run
        self.trainer, self.progress = trainer, Progress()
        self.replay = Replay(game, trainer.net_config.inputs(game))
        self.store = Store(run.games, game.rules_id, writable=True)
        self.sources, self.teacher = sources, teacher
        self.strength: Strength | None = None
        self._teachers = {teacher} if teacher else set[str]()  # of the games that are there, too
        self._rollbacks = 0  # since the last checkpoint
        self.taken = self._resume() if run.resumed else Counter[str]()

    def keep(self, games: GameBatch) -> None:
        """Games to store and replay."""
        if len(games):
            self.store.append(games)
            self.replay.append(games)
            self.progress.next_number = max(self.progress.next_number, int(games.number.max()) + 1)
        self.store.maybe_flush(time.monotonic())
        self.replay.forget(self._window(self.progress.positions))

    def next_game_number(self) -> int:
        """One more than any that was ever stored, as far as is known: a file that is put back brings its numbers."""
        return max(self.store.next_game_number(), self.progress.next_number)

    def _window(self, positions: int) -> int:
        """How many positions the replay keeps, of so many that self-play has made."""
        config = self.config
        return min(max(config.window_least, int(config.window_share * positions)), config.window_most)

    def card(self) -> dict[str, Any]:
        """What the run's model files say of themselves."""
        p = self.progress
        card: dict[str, Any] = {
            "made_by": " ".join(["python train.py", self.game.spec, *self._from(), self.budget.flag()]),
            "config": asdict(self.config),
            "games": p.games,
            **({"records": p.records} if p.records else {}),
            **({"taught_games": p.taught, "taught_positions": p.taught_positions} if p.taught else {}),
            "positions": p.positions,
            "evaluations": p.evaluations,
            "steps": p.steps,
            "minutes": round(p.seconds / 60, 2),
            "core_minutes": round(p.core_seconds / 60, 2),
        }
        if self.strength:
            card["strength"] = str(self.strength)
        return card

    def _from(self) -> list[str]:
        """The flags that gave the run its records and its teacher."""
        records = ["--from", *(source.path.name for source in self.sources)] if self.sources else []
        return [*records, *(f"--teacher {shlex.quote(teacher)}" for teacher in sorted(self._teachers))]

    def save(self) -> None:
        """Publish games, a full checkpoint, the playable model and a step of the ladder.

        Weights that are not finite are not saved: the last good checkpoint and model stay the newest.
        """
        self.store.flush()
        if not self.trainer.sound():
            return
        self.progress.steps = self.trainer.step  # a round that failed has trained, too

        def write(folder: Path) -> None:
            self.trainer.save(folder / TRAINER_FILE)
            self.progress.write(folder / STATE_FILE)

        self.run_dir.publish_checkpoint(self.trainer.step, write)
        self._rollbacks = 0
        self.run_dir.prune(keep_full=3)
        model = self.run_dir.path / MODEL_FILE
        save_model(model, self.trainer.average, self.trainer.net_config, self.game, self.card())
        write_atomic(self.run_dir.ladder_path(self.trainer.step), model.read_bytes())
        self.run_dir.thin_ladder()

    def net_works(self) -> bool:
        """Whether the net that plays gives finite outputs, on positions that are at hand."""
        if not self.trainer.sound():
            return False
        if not len(self.replay):
            return True
        rng = np.random.default_rng(self.config.seed)
        planes = self.replay.sample(PROBED, rng, Random(self.config.seed).state).planes
        logits = np.zeros((PROBED, self.game.logits), np.float32)
        try:
            TorchEvaluator(self.trainer.average).evaluate(planes, logits, np.zeros((PROBED, 3), np.float32))
        except TandemError:
            return False
        return True

    def roll_back(self, why: TandemError) -> None:
        """Let trainer and training samples be as in the last good checkpoint, at half the learning rate; games stay.

        Without a checkpoint it begins anew. Says so, in the log too. Raises TandemError when it was the last of
        MOST_ROLLBACKS that were all for nothing.
        """
        scale, now, saved = self.trainer.rate_scale, self.progress, Progress()

        def load(folder: Path) -> None:
            nonlocal saved
            self.trainer.load(folder / TRAINER_FILE)
            saved = Progress.read(folder / STATE_FILE)

        if self.run_dir.latest_valid(load) is None:
            self.trainer.begin()
        self.trainer.rate_scale = scale / 2
        now.steps = self.trainer.step
        now.bucket, now.lessons = saved.bucket, saved.lessons
        self._pay(since=saved)
        self._rollbacks += 1
        rate = self.trainer.rate_scale * self.config.learning_rate
        self.run_dir.log("rollback", why=str(why), steps=now.steps, learning_rate=rate)
        if self._rollbacks > MOST_ROLLBACKS:
            raise TandemError(
                f"{why}, again after {MOST_ROLLBACKS} rollbacks; training stops, and {self.run_dir.path} is left at "
                f"step {now.steps}, the last that was good; start another run with a --learning-rate below {rate:.2g}"
            )
        _log.warning("%s; going back to step %d, at a learning rate of %.2g", why, now.steps, rate)

    def _pay(self, since: Progress) -> None:
        """Add the training samples that positions pay for which were not yet there at `since`."""
        p, config = self.progress, self.config
        p.bucket += config.reuse * max(p.positions - since.positions, 0)
        p.lessons += config.from_epochs * max(p.taught_positions - since.taught_positions, 0)
        p.lessons += config.from_epochs * max(p.record_positions - since.record_positions, 0)

    def _resume(self) -> Counter[str]:
        """Go on from the newest sound checkpoint, with the games of every sound shard.

        Returns how many of these games came from which file, by the files' hashes.
        """

        def load(folder: Path) -> None:
            self.trainer.load(folder / TRAINER_FILE)
            self.progress = Progress.read(folder / STATE_FILE)

        self.run_dir.latest_valid(load)
        p, taken = self.progress, Counter[str]()
        games = positions = records = taught = lessons = 0
        for _, batch in self.store.new_batches():
            from_file, teacher = (
                np.array([text == name for text in batch.texts], bool)[batch.source] for name in ("record", "teacher")
            )
            taken.update(batch.texts[index] for index in batch.net_id[from_file])
            self._teachers |= {batch.texts[index] for index in np.unique(batch.net_id[teacher])}
            records += int(np.diff(batch.row_offsets)[from_file].sum())
            taught += int(teacher.sum())
            lessons += int(np.diff(batch.row_offsets)[teacher].sum())
            games += int((~from_file & ~teacher).sum())
            self.replay.append(batch)
            positions = self.replay.positions - records - lessons
            self.replay.forget(self._window(positions))
        # A kill leaves games that the checkpoint does not know of.
        saved = replace(p)
        p.taught, p.taught_positions = max(taught, p.taught), max(lessons, p.taught_positions)
        p.games, p.positions = max(games, p.games), max(positions, p.positions)
        p.records, p.record_positions = max(taken.total(), p.records), max(records, p.record_positions)
        self._pay(since=saved)
        return taken
