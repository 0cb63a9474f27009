"""The positions that wait, and those that are worked on."""

import math
import threading
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from heapq import heappop, heappush

from interfaces.analyse.query import Query, QueryError

MOST_WAITING = 100_000  # positions
MOST_PASSED = 256  # how often a job may see others go first that fit in beside what is searched already


@dataclass(eq=False)
class Job:
    """One turn of a query. `kind` is shared by those that can be searched side by side; None is by itself.

    `stopped` says that it was terminated, and is to end with what it has.
    """

    query: Query
    turn: int
    kind: Hashable
    rank: tuple[int, int]  # the least comes first: by priority, then as they came
    taken: bool = False
    stopped: bool = False
    passed: int = 0

    def __lt__(self, other: "Job") -> bool:
        return self.rank < other.rank


class Jobs:
    """The queue of several workers; every method may be called from any thread."""

    def __init__(self, workers: int) -> None:
        self._workers, self._changed = workers, threading.Condition()
        self._all: list[Job] = []  # these are heaps; those that are taken may stand in them a while longer
        self._alike: dict[Hashable, list[Job]] = {}
        self._by_id: dict[str, set[Job]] = {}  # waiting and under way
        self._waiting = self._running = self._count = 0
        self._closed = False
        self._failure: BaseException | None = None

    def add(self, query: Query, kind: Hashable) -> None:
        """Let every turn of a query wait; QueryError where too many wait already."""
        with self._changed:
            if self._waiting + len(query.turns) > MOST_WAITING:
                raise QueryError(f"more than {MOST_WAITING:,} positions wait: ask again when some are answered")
            for turn, priority in zip(query.turns, query.priorities, strict=True):
                self._count += 1
                self._waiting += 1
                job = Job(query, turn, kind, (-priority, self._count))
                heappush(self._all, job)
                if kind is not None:
                    heappush(self._alike.setdefault(kind, []), job)
                self._by_id.setdefault(query.id, set()).add(job)
            self._changed.notify_all()

    def take(self) -> Job | None:
        """The next job, once there is one; None when none will come any more."""
        with self._changed:
            while (job := _head(self._all)) is None:
                if self._closed:
                    return None
                self._changed.wait()
            return self._take(job)

    def take_alike(self, kind: Hashable, busy: int) -> Job | None:
        """A job of that kind for a worker that has `busy` of them under way; None when it has its share.

        Those of other kinds that came before are passed over, though not for ever.
        """
        with self._changed:
            job, first = _head(self._alike.get(kind, [])), _head(self._all)
            if job is None or first is None or busy >= math.ceil((self._waiting + self._running) / self._workers):
                return None
            if first is not job:
                if first.rank[0] < job.rank[0] or first.passed >= MOST_PASSED:
                    return None
                first.passed += 1
            return self._take(job)

    def done(self, job: Job) -> None:
        """The job's last answer is out."""
        with self._changed:
            self._running -= 1
            self._forget(job)
            self._changed.notify_all()

    def stop(self, query_id: str | None, turns: Collection[int] | None) -> list[Job]:
        """Stop the jobs of that id (None: all), or those of its turns; the ones that waited still, to be answered."""
        with self._changed:
            named = [self._by_id.get(query_id, set())] if query_id is not None else list(self._by_id.values())
            jobs = [job for some in named for job in some if turns is None or job.turn in turns]
            waiting = []
            for job in sorted(jobs):
                job.stopped = True
                if not job.taken:
                    self._take(job)
                    waiting.append(job)
            return waiting

    def close(self) -> None:
        """No more jobs will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End it all: `wait` raises the error."""
        with self._changed:
            self._failure = self._failure or error
            self._closed = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Until it is closed and every job is done; the error that a thread failed with is raised here."""
        with self._changed:
            while self._failure is None and not (self._closed and self._waiting + self._running == 0):
                self._changed.wait(1.0)  # without an end Windows would not hear Ctrl-C
            if self._failure is not None:
                raise self._failure

    def _take(self, job: Job) -> Job:
        job.taken = True
        self._waiting -= 1
        self._running += 1
        if job.kind is not None and _head(self._alike[job.kind]) is None:
            del self._alike[job.kind]
        return job

    def _forget(self, job: Job) -> None:
        same = self._by_id[job.query.id]
        same.remove(job)
        if not same:
            del self._by_id[job.query.id]


def _head(heap: list[Job]) -> Job | None:
    while heap and heap[0].taken:
        heappop(heap)
    return heap[0] if heap else None
