"""What experiments measure with: positions of known value, a ladder of nets, a clock, and answers that are kept.

Answers are kept in FOLDER/answers, a file for each player and net, so that a study goes on where it was stopped and two
experiments never ask the same twice.
"""

import hashlib
import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.modes import MODES
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from games.files import write_atomic
from games.loader import load
from games.processes import cores, end_with_parent, sigint_ignored
from games.rng import seed_for
from nets.modelfile import read_header
from players.evaluators import load_evaluator
from players.spec import PlayerSpec, parse_spec
from selfplay.answers import answers
from selfplay.arena import play_match
from selfplay.labels import Label

K = TypeVar("K", bound=Hashable)  # what names a line of players
ANSWERS = "answers"
MATCH = 40  # games of a match between two looks at the clock
BLOCK = 50  # positions that a player answers in a row: the seeds of its moves come from where the block begins


@dataclass(frozen=True)
class Net:
    """A model file and what it cost to train."""

    path: Path
    net_id: str
    seconds: float | None  # by the clock
    core_seconds: float | None
    evaluations: int | None
    positions: int | None
    steps: int | None
    games: int | None

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
    minutes, core_minutes = header.card.get("minutes"), header.card.get("core_minutes")
    return Net(
        path,
        header.net_id,
        None if minutes is None else 60 * float(minutes),
        None if core_minutes is None else 60 * float(core_minutes),
        header.card.get("evaluations"),
        header.card.get("positions"),
        header.card.get("steps"),
        header.card.get("games"),
    )


@dataclass(frozen=True)
class Measured:
    """A player's answers to the first positions of a lab, entry by entry."""

    spec: str
    net: Net | None
    actions: npt.NDArray[np.int64]  # -1 where the player failed
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

    def at(self, which: npt.NDArray[np.int64] | slice) -> "Measured":
        """The answers to some of the positions alone."""
        moves, spent = (self.actions[which], self.kept[which]), (self.seconds[which], self.evaluations[which])
        return Measured(self.spec, self.net, *moves, self.regret[which], *spent)

    def first(self, n: int) -> "Measured":
        """The answers to the first n positions alone."""
        return self.at(slice(n))


# What a worker makes of a block of positions for one question: an entry for each, as JSON holds it.
Work = Callable[[str, Any, Path | None, int, Sequence[list[int]]], list[Any]]


def plain(spec: str) -> PlayerSpec:
    """The player without exact search in its tree: here that is a way of its own to choose a move."""
    player = parse_spec(spec)
    return player.with_options(proof_nodes=0) if player.kind in MODES else player


def _answer(game: str, spec: str, model: Path | None, seed: int, lines: Sequence[list[int]]) -> list[Any]:
    """One player's answers: action, seconds, core-seconds, evaluations."""
    loaded = load(game)
    found = answers(loaded, [plain(spec)], _positions(loaded, lines), model=model, seed=seed, workers=1)[0]
    return [[a.action, a.seconds, a.core_seconds, a.evaluations] for a in found]


def _search(
    game: str, settings: dict[str, Any], model: Path | None, seed: int, lines: Sequence[list[int]]
) -> list[Any]:
    """One search's policy: actions and their shares."""
    loaded, budget = load(game), settings["simulations"]
    evaluator = load_evaluator(loaded, model) if model else None
    chosen = {name: value for name, value in settings.items() if name != "simulations"}
    found = []
    for i, position in enumerate(_positions(loaded, lines)):
        search = Search(loaded, Settings(**chosen, proof_nodes=0, seed=seed_for(seed, i), early_stop=False), evaluator)
        result = search.run(position, simulations=budget)
        found.append([result.actions.tolist(), result.policy.tolist()])
    return found


def _positions(game: Game, lines: Sequence[list[int]]) -> list[Position]:
    positions = [Position(game) for _ in lines]
    for position, line in zip(positions, lines, strict=True):
        for action in line:
            position.play(action)
    return positions


class Lab:
    """One study's materials. `labels` are decisive positions in the order in which experiments use them.

    `home` is the folder of all that it keeps, `run` the training run that it was given, if any, and `minutes` the time
    for all of it.
    """

    def __init__(
        self, game: Game, labels: Sequence[Label], nets: Sequence[Net], folder: Path, seed: int,
        run: Path | None = None, minutes: float = 0.0,
    ) -> None:  # fmt: skip
        self.game, self.labels, self.nets, self.seed = game, tuple(labels), tuple(nets), seed
        self.home, self.run, self.minutes = folder, run, minutes
        self.folder = folder / ANSWERS
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
        return self.chance_of(len(self.labels))

    def chance_of(self, n: int) -> float:
        """Accuracy of a random mover on the first n positions."""
        return float(np.mean([label.chance for label in self.labels[:n]]))

    def left(self) -> float:
        """Seconds until the experiment should end."""
        return self.deadline - time.monotonic()

    def measure(self, specs: Sequence[str], net: Net | None = None) -> list[Measured]:
        """The players' answers to as many positions as time allows, the same for each; none where there is no time."""
        return self.measure_lines({"": (specs, net)})[""]

    def measure_lines(
        self, lines: Mapping[K, tuple[Sequence[str], Net | None]], most: int | None = None
    ) -> dict[K, list[Measured]]:
        """The same of several lines of players, each with its net; all answer as many positions, about `most`."""
        found = self._collect(_answer, lines, most)
        return {
            name: [self._measured(spec, net, row) for spec, row in zip(specs, found[name], strict=True)]
            for name, (specs, net) in lines.items()
        }

    def mass_lines(
        self, lines: Mapping[K, tuple[Sequence[dict[str, Any]], Net | None]]
    ) -> dict[K, list[npt.NDArray[np.float64]]]:
        """How much of each search's policy lies on value-keeping moves, [positions], on as many as time allows.

        Settings are those of engine.search, and `simulations`. Searches do not stop early.
        """
        return {name: [self._mass(row) for row in rows] for name, rows in self._collect(_search, lines).items()}

    def _mass(self, row: Sequence[Any]) -> npt.NDArray[np.float64]:
        shares = [
            sum(p for action, p in zip(*entry, strict=True) if label.values[action] == label.best)
            for entry, label in zip(row, self.labels, strict=False)
        ]
        return np.array(shares, np.float64)

    def match(self, mine: str, theirs: str, games: int, nets: tuple[Net | None, Net | None]) -> list[float]:
        """Scores of the first player's pairs of games against the second, as many of them as time allows.

        A player with a net of its own plays with that one; the same random openings, with colours swapped.
        """
        specs = [
            str(plain(spec).with_options(model=net.path)) if net else str(plain(spec))
            for spec, net in zip((mine, theirs), nets, strict=True)
        ]
        question = [mine, theirs, *(net.net_id if net else None for net in nets)]
        scores = self._load(question, None)
        while len(scores) < (games + 1) // 2 and (self.left() > 0 or not scores):
            seed = seed_for(self.seed, len(scores))
            scores += play_match(
                self.game, specs[0], specs[1], min(MATCH, games - 2 * len(scores)), seed=seed
            ).pair_scores
            self._save(question, None, scores)
        return scores

    def _collect(
        self, work: Work, lines: Mapping[K, tuple[Sequence[Any], Net | None]], most: int | None = None
    ) -> dict[K, list[list[Any]]]:
        """What `work` makes of each question in as many positions as time allows, the same for all."""
        asked = [(question, net) for questions, net in lines.values() for question in questions]
        known = [self._load(*each) for each in asked]
        enough = min(len(self.labels), most or len(self.labels))
        while (have := min(map(len, known))) < enough and self.left() > 0:
            block, seed = self.labels[have : have + BLOCK], seed_for(self.seed, have)
            positions = [label.position.actions for label in block]
            behind = [i for i, entries in enumerate(known) if len(entries) == have]
            tasks = []
            for i in behind:
                question, net = asked[i]
                path = net.path if net else None
                tasks.append(self.pool.submit(work, self.game.spec, question, path, seed, positions))
            for i, task in zip(behind, tasks, strict=True):
                known[i] = known[i] + task.result()
                self._save(*asked[i], known[i])
        rows = iter(known)
        return {name: [next(rows)[:have] for _ in questions] for name, (questions, _) in lines.items()}

    def close(self) -> None:
        """End the processes."""
        self.pool.shutdown(cancel_futures=True)

    def _measured(self, spec: str, net: Net | None, row: Sequence[Any]) -> Measured:
        labels = self.labels[: len(row)]
        actions = [-1 if action is None else action for action, *_ in row]
        got = [-1 if action < 0 else x.values[action] for action, x in zip(actions, labels, strict=True)]
        regret = np.array([label.best - v for label, v in zip(labels, got, strict=True)], np.float64)
        seconds = np.array([clock if core is None else core for _, clock, core, _ in row], np.float64)
        evaluations = np.array([n for *_, n in row], np.float64)
        return Measured(spec, net, np.array(actions, np.int64), regret == 0, regret, seconds, evaluations)

    def _file(self, question: Any, net: Net | None) -> Path:
        lines = [label.position.actions for label in self.labels]
        what = [self.game.rules_id, question, net.net_id if net else None, self.seed, lines]
        return self.folder / f"{_digest(what)}.json"

    def _load(self, question: Any, net: Net | None) -> list[Any]:
        path = self._file(question, net)
        try:
            kept = json.loads(path.read_bytes())
            found, digest = list(kept["answers"]), kept["digest"]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise TandemError(f"{path} is damaged: {error}; delete it") from None
        if digest != _digest(found):
            raise TandemError(f"{path} is damaged: its answers are not those that were written; delete it")
        return found

    def _save(self, question: Any, net: Net | None, entries: Sequence[Any]) -> None:
        written = {"question": question, "net": net.net_id if net else None, "digest": _digest(entries)}
        written["answers"] = list(entries)
        write_atomic(self._file(question, net), json.dumps(written).encode())


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:24]
