"""The threads that search: side by side where a net runs in batches, else each position by itself."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from engine.evalcache import EvalCache
from engine.evaluator import Evaluator
from engine.exact import Exact
from engine.lockstep import TOGETHER, Lockstep, tree_bytes
from engine.modes import EXACT
from engine.search import leaves_for
from games.errors import TandemError
from interfaces.analyse.answer import answer, head
from interfaces.analyse.jobs import Job, Jobs
from interfaces.analyse.query import until
from interfaces.analysis import searched, solved
from interfaces.session import Session
from players.evaluators import backend_of, load_evaluator
from players.player import DEFAULT_SIMULATIONS, EnginePlayer, needs_net, settings_of
from players.ready import warm_up
from players.spec import PlayerSpec

ROWS = 128  # of a batch; larger ones hardly raise the rate of evaluations
TREES = 256 << 20  # bytes of the trees that one worker searches side by side
LEAST_ROOM = 128  # simulations that trees have room for; from there on in powers of 4, so that few kinds differ
KEPT = 2  # of a worker: kinds whose places stay
Say = Callable[[dict[str, Any]], None]


class Batches:
    """Which jobs are searched side by side, and with what."""

    def __init__(self, session: Session) -> None:
        """TandemError when the session's net cannot be had."""
        self._session = session
        self.backend = None if session.model is None else backend_of(session.model, session.spec)

    def kind_of(self, spec: PlayerSpec) -> Hashable:
        """What positions must share to be searched side by side; None where the spec's search runs by itself."""
        counted = spec.simulations is not None and spec.seconds is None
        plain = (spec.root or "puct") == "puct" and (spec.threads or 1) == 1 and (spec.value or "net") == "net"
        if self.backend != "torch" or spec.kind not in TOGETHER or not plain:
            return None
        if spec.kind != "hybrid":
            return spec.with_options(simulations=LEAST_ROOM, seconds=None), 1
        if not counted:
            return None
        assert spec.simulations is not None
        room = LEAST_ROOM
        while room < spec.simulations:
            room *= 4
        return spec.with_options(simulations=room), spec.leaves or leaves_for(spec.simulations)

    def evaluator(self) -> Evaluator | None:
        """The session's net, for one thread; None where it has none."""
        if self._session.model is None or self.backend is None:
            return None
        if self.backend == "torch":
            import torch

            torch.set_num_threads(1)  # a worker is a thread; more of them would wait for each other
        return load_evaluator(self._session.game, self._session.model, self.backend)

    def places(self, kind: Hashable, evaluator: Evaluator) -> Lockstep:
        """Places for positions of a kind."""
        assert isinstance(kind, tuple)
        spec, leaves = kind
        game, settings = self._session.game, settings_of(spec, spec.seed or 0)
        count = max(1, min(ROWS // leaves, TREES // tree_bytes(game, spec.simulations)))
        cache = EvalCache(game, settings.cache)
        return Lockstep(game, settings, evaluator, count, spec.simulations, leaves=leaves, cache=cache)


class Worker:
    """Answers jobs, one thread's."""

    def __init__(self, session: Session, batches: Batches, jobs: Jobs, say: Say) -> None:
        self._session, self._batches, self._jobs, self._say = session, batches, jobs, say
        self._kept: OrderedDict[Hashable, Lockstep] = OrderedDict()
        self._evaluator: Evaluator | None = None
        self._warm: set[str] = set()
        self.forget = False  # whether what the net said is to be forgotten

    def run(self) -> None:
        """Until there are no more jobs."""
        try:
            while (job := self._jobs.take()) is not None:
                if job.kind is None:
                    self._search(job)
                else:
                    self._search_together(job)
        except BaseException as error:  # whatever it is, the main thread has to know
            self._jobs.fail(error)

    def _search(self, job: Job) -> None:
        try:
            self._end(job, self._by_itself(job))
        except (TandemError, MemoryError) as error:
            self._refuse(job, error)

    def _by_itself(self, job: Job) -> dict[str, Any]:
        position, spec = until(job.query.position, job.turn), job.query.spec
        game, seed = self._session.game, spec.seed or 0
        if spec.seconds is not None and spec.kind not in self._warm:  # compiling is no part of a clocked search
            warm_up(game, spec, position, self._session.model)
            self._warm.add(spec.kind)
        if spec.kind == EXACT:
            solver = Exact(game, seed=seed)
            return solved(position, solver.moves(position, seconds=spec.seconds, stop=lambda: job.stopped))
        net = self._net() if needs_net(game, spec) else None
        player = EnginePlayer(game, spec, net, seed=seed, model=self._session.model)
        try:
            search, due = player.search, _Clock(job)

            def stop() -> bool:
                if due.now() and len(search.trees[0].children()):
                    found = search.result()
                    self._tell(job, searched(position, found, search.moves(found), player.net_id))
                return job.stopped

            counted = DEFAULT_SIMULATIONS if spec.simulations is None and spec.seconds is None else spec.simulations
            result = search.run(position, simulations=counted, seconds=spec.seconds, stop=stop)
            return searched(position, result, search.moves(result), player.net_id)
        finally:
            player.close()

    def _search_together(self, job: Job) -> None:
        """This job and others of its kind, for as long as they come."""
        inside: dict[int, tuple[Job, _Clock]] = {}
        try:
            trees = self._places(job.kind)
            free = list(range(len(trees.positions)))
            coming: Job | None = job
            while coming is not None or inside:
                while coming is not None:
                    place = free.pop()
                    inside[place] = coming, _Clock(coming)
                    simulations = coming.query.spec.simulations or 1
                    trees.enter(place, until(coming.query.position, coming.turn), simulations)
                    coming = self._jobs.take_alike(job.kind, len(inside)) if free else None
                if self.forget:
                    self.forget = False
                    self._forget()
                trees.step()
                free += self._look_after(trees, inside)
                coming = self._jobs.take_alike(job.kind, len(inside)) if free else None
        except (TandemError, MemoryError) as error:  # the net's; no tree here can be trusted now
            self._kept.pop(job.kind, None)
            for other in [other for other, _ in inside.values()] or [job]:
                self._refuse(other, error)

    def _look_after(self, trees: Lockstep, inside: dict[int, tuple[Job, "_Clock"]]) -> list[int]:
        """Answer where an answer is due; the places that are free now."""
        freed = []
        for place, (job, due) in list(inside.items()):
            if job.stopped:
                trees.leave(place)
            over = not trees.searching[place]
            if over or due.now():
                result = trees.result(place)
                position = trees.positions[place]
                assert position is not None
                found = searched(position, result, trees.reports(place, result), trees.evaluator.net_id)
                if over:
                    del inside[place]
                    freed.append(place)
                    self._end(job, found)
                else:
                    self._tell(job, found)
        return freed

    def _net(self) -> Evaluator:
        self._evaluator = self._evaluator or self._batches.evaluator()
        if self._evaluator is None:
            raise TandemError(f"this needs a net, and there is none for {self._session.game.spec}")
        return self._evaluator

    def _places(self, kind: Hashable) -> Lockstep:
        if kind not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.popitem(last=False)
            self._kept[kind] = self._batches.places(kind, self._net())
        self._kept.move_to_end(kind)
        return self._kept[kind]

    def _forget(self) -> None:
        for trees in self._kept.values():
            trees.cache.forget()

    def _tell(self, job: Job, found: dict[str, Any]) -> None:
        self._say(answer(job.query, job.turn, found, during=True))

    def _end(self, job: Job, found: dict[str, Any]) -> None:
        self._say(answer(job.query, job.turn, found, during=False))
        self._jobs.done(job)

    def _refuse(self, job: Job, error: Exception) -> None:
        words = str(error) or "out of memory"
        self._say({"error": words, **head(job.query, job.turn)})
        self._jobs.done(job)


class _Clock:
    """When the next report on a job is due."""

    def __init__(self, job: Job) -> None:
        self._every = job.query.every
        self._next = time.monotonic() + (self._every or 0)

    def now(self) -> bool:
        """Whether one is due, which is then taken as given."""
        if self._every is None or (now := time.monotonic()) < self._next:
            return False
        self._next = now + self._every
        return True
