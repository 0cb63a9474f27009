"""The Executor of a Ray cluster: an actor for every core of every node, which join and die freely.

Actors are given small parts of a round, at most two at a time, and the learner takes their games as they come: an actor
whose learner is late waits, and nobody waits for a slow node. Weights are put into Ray's object store once per version,
from where each node fetches them once. An actor that is lost is replaced, and the games that it had not delivered are
played again by others. Until its replacement has imported all it needs, the node's understudy plays: an actor that is
kept ready and idle for that.
"""

import logging
import math
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from safetensors.torch import save
from torch import nn

from games.contract import Game
from games.errors import TandemError
from games.processes import cores
from games.sources import own, ships
from nets.models import shipped_path
from selfplay.config import TrainConfig
from selfplay.node import CODE, HERE, NodeActor, fingerprint
from selfplay.numbers import Ledger
from selfplay.records import GameBatch
from selfplay.shards import from_bytes

POLL_SECONDS, LOOK_SECONDS = 0.1, 1.0  # between two looks at what is ready; at the nodes
QUEUED = 2  # parts that an actor has before it at most: one that it plays and the next
PARTS = 4  # that an actor plays in a round, about
READY_SECONDS = 20.0  # without another actor becoming ready, after which a run begins with those that are
MOST_DEATHS = 8  # of actors on end before any is ready
OBJECT_BYTES = 256 << 20  # of the object store of a cluster on this machine alone
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "NUMBA_CACHE_LOCATOR_CLASSES": "games.nodecache.ContentLocator"}

_log = logging.getLogger("tandem")


@dataclass(eq=False)
class Member:
    """One actor of the cluster. An understudy stands by on a node; `node` is where it runs, None until it is ready."""

    handle: Any
    stands_by: str | None
    node: str | None = None
    pid: int = 0
    code: str = ""  # the folder that its code came to
    queued: int = 0  # parts of a round
    played_at: float = 0.0  # when its last games came (time.monotonic)
    evaluations: int = 0
    core_seconds: float = 0.0


@dataclass(frozen=True)
class Call:
    """What an object reference stands for: a part of a round, or an actor getting ready."""

    member: Member
    plies: int = 0  # 0 while it gets ready


@dataclass
class Counts:
    """What happened so far, for whoever measures."""

    ready: int = 0
    died: int = 0
    games: int = 0
    repeated: int = 0  # games dropped since they had been delivered, or nobody had asked for them
    last: dict[str, float] = field(default_factory=dict)  # when an actor became ready, died (time.monotonic)


class RayExecutor:
    """Executor over the nodes of a Ray cluster; connects to it, and leaves it when closed."""

    def __init__(
        self,
        game: Game,
        config: TrainConfig,
        model: nn.Module,
        first_number: int,
        teacher: str | None = None,
        address: str | None = None,
    ) -> None:
        """As make_executor. Raises TandemError when Ray refuses."""
        self._config, self._rules_id = config, game.rules_id
        self._settings = asdict(replace(config, executor="threads"))
        self._code, self._teacher = fingerprint(), teacher
        with tempfile.TemporaryDirectory() as folder:
            self._spec = pack(game, teacher, Path(folder))
            _connect(address, folder, config.actors or cores())
        self._remote: Any = ray.remote(NodeActor)
        self._ledger = Ledger(first_number)
        self.members: list[Member] = []
        self.counts = Counts()
        self._calls: dict[Any, Call] = {}
        self._nodes: dict[str, int] = {}  # cores of the nodes that are alive
        self._looked_at, self._deaths, self._sizes = 0.0, 0, (0, 0)
        self._evaluations, self._core_seconds = 0, 0.0  # of members that are gone
        self._version = -1
        self.load(model)
        self._look()

    @property
    def evaluations(self) -> int:
        """Positions evaluated since its start."""
        return self._evaluations + sum(member.evaluations for member in self.members)

    @property
    def core_seconds(self) -> float:
        """Processor seconds of the nodes' actors."""
        return self._core_seconds + sum(member.core_seconds for member in self.members)

    def load(self, model: nn.Module) -> None:
        """Put these weights where every node fetches them once, with the next part of a round that it plays."""
        data = save({name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()})
        self._weights = ray.put(np.frombuffer(data, np.uint8))
        self._version += 1

    def wait(self, stop: Callable[[], bool]) -> None:
        """Return when every actor that has a core is ready, or when no other has become so for a while."""
        since, ready = time.monotonic(), 0
        while not stop():
            self._take()
            if (now := len(self._regulars(ready=True))) > ready:
                since, ready = time.monotonic(), now
            enough = ready and time.monotonic() - since > READY_SECONDS
            if enough or 0 < self._wanted() <= ready:
                return

    @property
    def scale(self) -> float:
        """One machine's round is that of two actors."""
        return max(1.0, len(self._regulars(ready=True)) / 2)

    def play(self, plies: int, stop: Callable[[], bool], effort: float, until: float = math.inf) -> GameBatch:
        """Executor.play; what has come beyond the plies, or after `until`, waits."""
        part = max(self._config.games_per_actor, int(plies / (PARTS * 2 * self.scale)))
        games, positions = list[GameBatch](), 0
        while positions < plies and time.monotonic() < until and not stop():
            self._hand_out(part, effort)
            for batch in self._take(plies - positions):
                games.append(batch)
                positions += batch.positions
        return GameBatch.concat(games)

    def close(self) -> None:
        """End all actors, whatever they are at, and leave the cluster."""
        for member in [*self.members]:
            self._forget(member)
        ray.shutdown()

    def _regulars(self, *, ready: bool = False) -> list[Member]:
        return [m for m in self.members if not m.stands_by and (m.node is not None or not ready)]

    def _wanted(self) -> int:
        """How many actors should play now: as many as there are cores, and as were asked for at most."""
        cores = sum(self._nodes.values())
        return min(self._config.actors or cores, cores)

    def _look(self) -> None:
        """See which nodes there are, and start and end actors accordingly."""
        self._looked_at = time.monotonic()
        self._nodes = {
            node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node.get("Alive")
        }
        wanted = self._wanted()
        if (sizes := (len(self._nodes), wanted)) != self._sizes:
            waits = "" if wanted else "; waiting for a node with a core for one"
            _log.warning("nodes of the cluster: %d, actors: %d%s", *sizes, waits)
        self._sizes = sizes
        for member in self._regulars()[wanted:]:
            if member.node is None:  # its core has left with its node
                self._forget(member)
        for _ in range(wanted - len(self._regulars())):
            self._start()
        for node in {m.node for m in self._regulars(ready=True)} - {m.stands_by for m in self.members}:
            self._start(stands_by=node)

    def _start(self, stands_by: str | None = None) -> None:
        """Start an actor on any free core, or an understudy on a node."""
        options: dict[str, Any] = {"num_cpus": 1, "scheduling_strategy": "SPREAD"}
        if stands_by is not None:
            options = {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(stands_by, soft=False)}
        member = Member(self._remote.options(max_restarts=0, max_task_retries=0, **options).remote(), stands_by)
        self.members.append(member)
        numbers = self._ledger.top_up(member, self._config.games_per_actor)
        call = member.handle.prepare.remote(self._spec, self._settings, self._teacher, numbers, self._code)
        self._calls[call] = Call(member)

    def _hand_out(self, plies: int, effort: float) -> None:
        """Fill every actor's queue; an understudy's only while its node lacks one of the actors that are wanted."""
        on = Counter(member.node for member in self._regulars(ready=True))
        lacking = on.total() < self._wanted()
        for member in self.members:
            if member.node is None:
                continue
            if member.stands_by and not (lacking and on[member.node] < self._nodes.get(member.node, 0)):
                continue
            while member.queued < QUEUED:
                # What a part can begin: a game for every ply, and as many again as the last step of it may end.
                games = self._config.games_per_actor
                numbers = self._ledger.top_up(member, games + (member.queued + 1) * (plies + games))
                call = member.handle.play.remote(self._weights, self._version, plies, effort, numbers)
                self._calls[call] = Call(member, plies)
                member.queued += 1

    def _take(self, wanted: int = 0) -> list[GameBatch]:
        """What has come, after a moment's wait for it, with each game once; looks at the nodes every now and then.

        Parts beyond the positions that are wanted are left, the oldest being the next to be taken.
        """
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look()
        if not self._calls:
            time.sleep(POLL_SECONDS)
            return []
        ray.wait(list(self._calls), num_returns=1, timeout=POLL_SECONDS)
        ready, _ = ray.wait(list(self._calls), num_returns=len(self._calls), timeout=0)
        batches = []
        for reference in ready:
            call = self._calls.get(reference)  # None: its actor was lost a moment ago
            if call is None or (call.plies and wanted <= 0):
                continue
            del self._calls[reference]
            if (batch := self._result(reference, call)) is not None:
                batches.append(batch)
                wanted -= batch.positions
        return batches

    def _result(self, reference: Any, call: Call) -> GameBatch | None:
        """The games of a part; None of an actor that is ready now, or lost. Raises TandemError when one refuses."""
        member = call.member
        try:
            result = ray.get(reference)
        except RayTaskError as error:
            words = f"{type(error.cause).__name__}: {error.cause}" if error.cause else str(error)
            raise TandemError(f"an actor failed: {_line(words)}") from None
        except RuntimeEnvSetupError as error:
            raise TandemError(f"a node cannot unpack the code: {_line(str(error))}") from None
        except RayError as error:  # it died, its node died, or what it returned is lost
            self.counts.died += 1
            self.counts.last["died"] = time.monotonic()
            self._deaths += member.node is None and not self._regulars(ready=True)
            _log.warning("an actor was lost; its games will be played again")
            self._forget(member)
            self._looked_at = 0.0
            if self._deaths > MOST_DEATHS:
                raise TandemError(f"actors die before they are ready: {_line(str(error))}") from None
            return None
        if isinstance(result, str):
            raise TandemError(f"an actor failed: {result}")
        if not call.plies:
            if result["rules_id"] != self._rules_id:
                raise TandemError(f"a node plays {result['rules_id']}, not {self._rules_id}")
            member.node, member.pid, member.code = result["node"], result["pid"], result["code"]
            self._deaths = 0
            self.counts.ready += 1
            self.counts.last["ready"] = time.monotonic()
            self._looked_at = 0.0
            return None
        member.queued -= 1
        data, member.evaluations, member.core_seconds = result
        batch = from_bytes(data, "an actor's games", self._rules_id)
        once = self._ledger.deliver(member, batch.number)
        self.counts.games += int(once.sum())
        self.counts.repeated += int((~once).sum())
        member.played_at = time.monotonic()
        return batch.select(once)

    def _forget(self, member: Member) -> None:
        """End an actor, if it still lives; the games that it has not delivered are for others."""
        self.members.remove(member)
        self._ledger.lose(member)
        self._calls = {reference: call for reference, call in self._calls.items() if call.member is not member}
        self._evaluations += member.evaluations
        self._core_seconds += member.core_seconds
        ray.kill(member.handle)


def pack(game: Game, teacher: str | None, folder: Path) -> str:
    """Copy into a folder what a node needs to play the game, and nothing else; returns the game's spec there."""
    for name in CODE:
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "positions"))
    model = shipped_path(game)
    if teacher is not None and model.is_file():
        (folder / model.parent.name).mkdir()
        shutil.copy(model, folder / model.parent.name)
    path = Path(str(game.module.__file__))
    if ships(path):
        return game.spec
    (folder / "own").mkdir()
    for file in own(path):
        if file.parent == path.parent:
            shutil.copy(file, folder / "own")
    return f"own/{path.name}{game.spec.rpartition('.py')[2]}"


def _connect(address: str | None, folder: str, actors: int) -> None:
    """Join the cluster at `address`, or start one on this machine; its actors run the code of `folder`."""
    if ray.is_initialized():
        raise TandemError("this process is part of a Ray cluster already; leave it first (ray.shutdown)")
    options: dict[str, Any] = {"address": address}
    if address is None:
        local = {"num_cpus": actors, "include_dashboard": False, "object_store_memory": OBJECT_BYTES}
        options = {"address": "local", **local}  # without the word, RAY_ADDRESS would decide
    environment = {"working_dir": folder, "env_vars": ENVIRONMENT}
    try:
        # Of a node that dies Ray prints some thousand characters into our progress bar, and has no option for it.
        ray._private.worker.print_to_stdstream = _drop
        ray.init(**options, runtime_env=environment, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RayError, RuntimeError, ValueError) as error:
        raise TandemError(f"Ray refuses: {_line(str(error))}") from None


def _drop(*_: object, **__: object) -> None:
    """Print nothing."""


def _line(words: str) -> str:
    return " ".join(words.split())[:300]
