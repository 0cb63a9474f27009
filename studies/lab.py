"""What experiments measure with: positions of known value, a ladder of nets, a clock, and answers that are kept.

Answers are kept in FOLDER/answers, a file for each player and net, so that a study goes on where it was stopped and two
experiments never ask the same twice.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.files import write_atomic
from games.loader import load
from games.processes import cores, end_with_parent, sigint_ignored
from games.rng import seed_for
from nets.modelfile import read_header
from players.spec import parse_spec
from selfplay.answers import Answer, answers
from selfplay.labels import Label

BLOCK = 50  # positions that a player answers in a row: the seeds of its moves come from where the block begins


@dataclass(frozen=True)
class Net:
    """A model file and what it cost to train."""

    path: Path
    net_id: str
    core_seconds: float | None
    evaluations: int | None
    positions: int | None
    steps: int | None

    @property
    def name(self) -> str:
        """Its cost in words, for a chart."""
        if self.core_seconds is None:
            return f"net {self.net_id}"
        minutes = self.core_seconds / 60
        return f"{minutes:.2g} core-minutes" if minutes < 10 else f"{minutes:.0f} core-minutes"


def read_net(path: Path, game: Game) -> Net:
    """The net of a model file, from its header. Raises TandemError when it is none of this game's."""
    header = read_header(path)
    if header.rules_id != game.rules_id:
        raise TandemError(f"{path}: made for {header.game} under other rules; name nets of {game.spec}")
    minutes = header.card.get("core_minutes")
    return Net(
        path,
        header.net_id,
        None if minutes is None else 60 * float(minutes),
        header.card.get("evaluations"),
        header.card.get("positions"),
        header.card.get("steps"),
    )


@dataclass(frozen=True)
class Measured:
    """A player's answers to the first positions of a lab, entry by entry."""

    spec: str
    net: Net | None
    kept: npt.NDArray[np.bool_]
    regret: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]  # of the processor, where the player says
    evaluations: npt.NDArray[np.float64]  # NaN where the player does not say

    @property
    def accuracy(self) -> float:
        """Share of the moves that keep the value."""
        return float(self.kept.mean())

    @property
    def milliseconds(self) -> float:
        """Mean per move."""
        return 1e3 * float(self.seconds.mean())

    def first(self, n: int) -> "Measured":
        """The answers to the first n positions alone."""
        return Measured(
            self.spec, self.net, self.kept[:n], self.regret[:n], self.seconds[:n], self.evaluations[:n]
        )  # fmt: skip


def _answer(game: str, spec: str, model: Path | None, seed: int, lines: Sequence[list[int]]) -> list[Answer]:
    """A worker's share: one player's answers to a block of positions."""
    loaded = load(game)
    positions = [Position(loaded) for _ in lines]
    for position, line in zip(positions, lines, strict=True):
        for action in line:
            position.play(action)
    return answers(loaded, [parse_spec(spec)], positions, model=model, seed=seed, workers=1)[0]


class Lab:
    """One study's materials. `labels` are decisive positions in the order in which experiments use them."""

    def __init__(self, game: Game, labels: Sequence[Label], nets: Sequence[Net], folder: Path, seed: int) -> None:
        self.game, self.labels, self.nets, self.seed = game, tuple(labels), tuple(nets), seed
        self.folder = folder / "answers"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.deadline = float("inf")
        with sigint_ignored():
            self.pool = ProcessPoolExecutor(cores(), get_context("spawn"), initializer=end_with_parent)

    @property
    def best(self) -> Net:
        """The net of the most training."""
        return self.nets[-1]

    @property
    def chance(self) -> float:
        """Accuracy of a random mover on these positions."""
        shares = [sum(v == label.best for v in label.values.values()) / len(label.values) for label in self.labels]
        return float(np.mean(shares))

    def left(self) -> float:
        """Seconds until the experiment should end."""
        return self.deadline - time.monotonic()

    def measure(self, specs: Sequence[str], net: Net | None = None) -> list[Measured]:
        """The players' answers to as many positions as time allows, the same for each; none where there is no time."""
        known = [self._load(spec, net) for spec in specs]
        while (have := min(map(len, known))) < len(self.labels) and self.left() > 0:
            block = slice(have, have + BLOCK)
            lines = [label.position.actions for label in self.labels[block]]
            behind = [i for i, answers in enumerate(known) if len(answers) == have]
            path = net.path if net else None
            asked = [
                self.pool.submit(_answer, self.game.spec, specs[i], path, seed_for(self.seed, have), lines)
                for i in behind
            ]
            for i, future in zip(behind, asked, strict=True):
                known[i] = known[i] + future.result()
                self._save(specs[i], net, known[i])
        return [self._measured(spec, net, row[:have]) for spec, row in zip(specs, known, strict=True)]

    def close(self) -> None:
        """End the processes."""
        self.pool.shutdown(cancel_futures=True)

    def _measured(self, spec: str, net: Net | None, row: Sequence[Answer]) -> Measured:
        labels = self.labels[: len(row)]
        got = [-1 if a.action is None else label.values[a.action] for a, label in zip(row, labels, strict=True)]
        regret = np.array([label.best - v for label, v in zip(labels, got, strict=True)], np.float64)
        return Measured(
            spec,
            net,
            regret == 0,
            regret,
            np.array([a.seconds if a.core_seconds is None else a.core_seconds for a in row], np.float64),
            np.array([np.nan if a.evaluations is None else a.evaluations for a in row], np.float64),
        )

    def _file(self, spec: str, net: Net | None) -> Path:
        lines = [label.position.actions for label in self.labels]
        what = [self.game.rules_id, spec, net.net_id if net else None, self.seed, lines]
        return self.folder / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]}.json"

    def _load(self, spec: str, net: Net | None) -> list[Answer]:
        try:
            rows = json.loads(self._file(spec, net).read_bytes())["answers"]
            return [Answer(*row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TandemError(f"{self._file(spec, net)} is damaged: {error}; delete it") from None

    def _save(self, spec: str, net: Net | None, row: Sequence[Answer]) -> None:
        rows = [[a.action, a.seconds, a.core_seconds, a.evaluations] for a in row]
        written = {"spec": spec, "net": net.net_id if net else None, "answers": rows}
        write_atomic(self._file(spec, net), json.dumps(written).encode())
