"""Tasks spread over processes: Ctrl-C is theirs to ignore, a stop leaves them a moment, none outlives its parent.

Processes, not threads: small nets answer so fast that threads hand Python's lock to and fro at every evaluation.
"""

import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, NoReturn

from games.errors import TandemError
from games.processes import sigint_ignored

STOP_SECONDS = 3.0  # what workers get after a Ctrl-C to finish the move that they are at

# What a worker process is made into: work(*task, stop) does one task, or returns None when stop() says so; and close.
Desk = tuple[Callable[..., Any], Callable[[], None]]


def in_processes(
    make: Callable[..., Desk], settings: tuple[Any, ...], tasks: Sequence[tuple[Any, ...]], workers: int
) -> Generator[Any, None, None]:
    """What the work makes of each task, in the order of completion; `make(*settings)` sets each process up.

    `make`, settings, tasks and results are pickled. Closing the generator stops the workers. Raises what the work
    raises, and TandemError when a process dies.
    """
    # Spawned, as on every system: forking a process that has run torch or Numba threads may hang.
    context = multiprocessing.get_context("spawn")
    stop, others = context.Event(), set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, initializer=_enter, initargs=(make, settings, stop)) as pool:
        with sigint_ignored():
            futures = [pool.submit(_work, *task) for task in tasks]
        try:
            for future in as_completed(futures):
                result = future.result()
                assert result is not None
                yield result
        except BrokenProcessPool:
            raise TandemError("a worker process died, perhaps for want of memory; try --workers 1") from None
        finally:
            with sigint_ignored():
                stop.set()
                for future in futures:
                    future.cancel()
                if wait(futures, STOP_SECONDS).not_done:
                    for process in set(multiprocessing.active_children()) - others:
                        process.terminate()


_desk: tuple[Callable[..., Any], Callable[[], bool]]


def _enter(make: Callable[..., Desk], settings: tuple[Any, ...], stop: Any) -> None:
    global _desk
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work, close = make(*settings)
    _desk = work, stop.is_set

    def end(*_: object) -> NoReturn:
        close()
        os._exit(1)

    def end_with_parent() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        end()

    signal.signal(signal.SIGTERM, end)
    atexit.register(close)
    threading.Thread(target=end_with_parent, daemon=True).start()


def _work(*task: Any) -> Any:
    work, stop = _desk
    return work(*task, stop)


@contextmanager
def one_torch_thread(wanted: bool) -> Iterator[None]:
    """Torch on one thread where it is wanted at all: its sums, and so the moves, may depend on the number."""
    if not wanted:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
