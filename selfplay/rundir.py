"""The folder of one training run: its config, lock, log, checkpoints and ladder.

config.json  games/  checkpoints/<step>/  ladder/<step>.safetensors  log.jsonl  tensorboard/  run.lock  run.pid
matches.jsonl, of the ladder, is a report's
"""

import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from games.errors import TandemError
from games.files import (
    discard,
    publish_folder,
    read_ordinary,
    reading,
    reason,
    remove_temporaries,
    temporary_path,
    write_atomic,
)
from selfplay.ladder import by_step, ladder_steps
from selfplay.sealed import Damaged, read_sealed, seal, unseal

FORMAT = "tandem run 1"

_log = logging.getLogger("tandem")

GAMES = "games"  # the store of a run
_BLOCK = 1 << 16
_MOST_LINE = 1 << 20  # bytes of one line of a log
_RESTORE = "restore it, or copy it from a new run of the same command"
_LOCK, PID, CONFIG = "run.lock", "run.pid", "config.json"


class RunDir:
    """A run's folder. `create_or_resume` opens it for the one process that trains, `read` for any that looks.

    `config` is the resolved config as saved; `resumed` says whether it was there before. Methods that change the folder
    are for the training process only; every refusal by the system is a TandemError with the path and the reason.
    """

    def __init__(self, path: Path, config: dict[str, Any], *, lock: FileLock | None, resumed: bool) -> None:
        self.path = path
        self.config = config
        self.resumed = resumed
        self.games = path / GAMES
        self.tensorboard = path / "tensorboard"
        self.matches = path / "matches.jsonl"
        self._checkpoints = path / "checkpoints"
        self._ladder = path / "ladder"
        self._log_file = path / "log.jsonl"
        self._lock = lock

    @classmethod
    def create_or_resume(cls, path: Path, config: Mapping[str, Any]) -> "RunDir":
        """Lock `path` and start a run there with `config` (JSON values), or resume the one that is there.

        On resuming, `config` is ignored: compare it with the result's, and `save_config` what may differ. Raises
        TandemError when another process holds the run, or `path` is a file, cannot be written, or holds something
        else; it is then left as it was.
        """
        _refuse_other_things(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path / _LOCK, timeout=0, thread_local=False)
            lock.acquire()
        except Timeout as error:
            raise TandemError(f"{path} is in use by another process{_holder(path)}; choose another folder") from error
        except (OSError, NotImplementedError) as error:
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise TandemError(f"cannot use {path} as the folder of a run: {why}") from error
        try:
            write_atomic(path / PID, str(os.getpid()).encode())
            # Another process may have created the run since the first look.
            saved = _read_config(path)
            run = cls(path, dict(config) if saved is None else saved, lock=lock, resumed=saved is not None)
            run._prepare()
            return run
        except BaseException:
            lock.release()
            raise

    @classmethod
    def read(cls, path: Path) -> "RunDir":
        """Open a run to look at it, also while it trains. Raises TandemError when there is none at `path`."""
        _refuse_other_things(path)
        config = _read_config(path)
        if config is None:
            raise TandemError(f"{path} is not the folder of a run: it has no {CONFIG}")
        return cls(path, config, lock=None, resumed=True)

    def in_use(self) -> str | None:
        """Of a run that was opened with `read`: " (pid 123)", or "" where not known, while a process holds its lock.

        Raises TandemError where that cannot be told, as of files that may only be read.
        """
        lock = self.path / _LOCK
        if not lock.exists():
            return None
        try:
            with FileLock(lock, timeout=0):
                return None
        except Timeout:
            return _holder(self.path)
        except (OSError, NotImplementedError) as error:
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise TandemError(f"whether {self.path} is in use cannot be told: {why}") from None

    def close(self) -> None:
        """Give up the lock."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def save_config(self, config: dict[str, Any]) -> None:
        """Let `config` (JSON values) stand for the run from now on."""
        text = json.dumps(seal({"format": FORMAT, "config": config}), indent=2)
        write_atomic(self.path / CONFIG, text.encode())
        self.config = config

    def log(self, event: str, **values: Any) -> None:
        """Append one JSON line: the event, `time` in seconds since 1970, and `values`; NaN and infinities as null."""
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
        line = json.dumps(seal({"event": event, "time": round(time.time(), 3), **finite})) + "\n"
        try:
            with self._log_file.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise TandemError(f"cannot write {self._log_file}: {reason(error)}") from error

    def events(self) -> Iterator[dict[str, Any]]:
        """The log's events, oldest first. An unfinished last line is passed over, a spoilt one with a warning."""
        if not self._log_file.exists():
            return
        for number, event in read_log(self._log_file):
            if isinstance(event, Damaged):
                _log.warning("%s: line %d is %s; it is skipped", self._log_file, number, event)
            else:
                yield event

    def publish_checkpoint(self, step: int, write: Callable[[Path], None]) -> Path:
        """Let `write` fill an empty folder, then give that its name in one step.

        A checkpoint of the same `step` is replaced. Raises what `write` raises, an OSError as TandemError; what was
        there before is then still there.
        """
        target = self._checkpoints / f"{step:08}"
        publish_folder(target, write)
        return target

    def checkpoints(self) -> list[Path]:
        """Folders of the full checkpoints, oldest first; the step is `int(path.name)`."""
        return by_step(self._checkpoints, "")

    def latest_valid(self, verify: Callable[[Path], None]) -> Path | None:
        """The newest checkpoint that `verify` accepts; None when there are no checkpoints.

        `verify` raises to refuse; such a checkpoint is moved to `checkpoints/bad` with a warning. Raises TandemError
        when it refuses all, for a fresh start would then hide what went wrong; none is moved.
        """
        refused: list[tuple[Path, Exception]] = []
        for path in reversed(self.checkpoints()):
            try:
                verify(path)
            except Exception as error:  # What a damaged file raises depends on who reads it.
                refused.append((path, error))
                continue
            for bad, why in refused:
                _log.warning("checkpoint %s is set aside, %s is used instead: %s", bad, path.name, why)
                self._set_aside(bad)
            return path
        if refused:
            newest, why = refused[0]
            raise TandemError(
                f"no checkpoint in {self._checkpoints} can be used; the newest, {newest.name}: {why}; restore one, or "
                f"move that folder and {self._ladder.name} away: the same command then trains a new net, first on the "
                "games that are stored"
            )
        return None

    def prune(self, keep_full: int = 3) -> None:
        """Delete all but the newest `keep_full` (1 or more) full checkpoints."""
        for path in self.checkpoints()[:-keep_full]:
            # Renamed first: a kill midway must not leave half a checkpoint under a good name.
            doomed = temporary_path(path)
            try:
                path.rename(doomed)
            except OSError as error:
                raise TandemError(f"cannot delete {path}: {reason(error)}") from error
            discard(doomed)

    def ladder_path(self, step: int) -> Path:
        """Where the weights-only checkpoint of `step` belongs; write it with `games.files.write_atomic`."""
        return self._ladder / f"{step:08}.safetensors"

    def ladder(self) -> list[Path]:
        """The weights-only checkpoints, oldest first; the step is `int(path.stem)`."""
        return by_step(self._ladder, ".safetensors")

    def thin_ladder(self, keep: int = 20) -> None:
        """Delete weights-only checkpoints until `keep` are left, chosen by `ladder_steps`."""
        kept = set(ladder_steps([int(path.stem) for path in self.ladder()], keep))
        for path in self.ladder():
            if int(path.stem) not in kept:
                discard(path)

    def _prepare(self) -> None:
        try:
            for folder in (self.games, self.tensorboard, self._checkpoints, self._ladder):
                folder.mkdir(exist_ok=True)
            for folder in (self.path, self._checkpoints, self._ladder):
                remove_temporaries(folder)
            if self._log_file.exists():
                cut_torn_line(self._log_file)
        except OSError as error:
            raise TandemError(f"cannot use {self.path} as the folder of a run: {reason(error)}") from error
        if not self.resumed:
            self.save_config(self.config)

    def _set_aside(self, path: Path) -> None:
        if self._lock is None:
            return
        target = path.parent / "bad" / path.name
        discard(target)
        try:
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
        except OSError as error:
            _log.warning("%s cannot be moved to bad/: %s", path, reason(error))


def _refuse_other_things(path: Path) -> None:
    try:
        names = {entry.name for entry in path.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise TandemError(f"cannot use {path} as the folder of a run: {reason(error)}") from error
    # A kill before the config was written leaves only these.
    begun = {_LOCK, PID, GAMES, "tensorboard", "checkpoints", "ladder"}
    other = sorted(name for name in names - begun if not (name.startswith(".") and name.endswith(".tmp")))
    if other and CONFIG not in names:
        raise TandemError(f"{path} is not the folder of a run (it holds {other[0]}); choose a new or empty folder")
    _read_config(path)


def _read_config(path: Path) -> dict[str, Any] | None:
    file = path / CONFIG
    try:
        saved = read_sealed(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TandemError(f"cannot read {file}: {reason(error)}") from error
    except Damaged as error:
        raise TandemError(f"{file} is {error}; {_RESTORE}") from error
    if saved.get("format") != FORMAT or not isinstance(saved.get("config"), dict):
        raise TandemError(f"{path} is not the folder of a run: {CONFIG} lacks the format {FORMAT!r}")
    if other := sorted(saved.keys() - {"format", "config"}):
        raise TandemError(f"{file} holds an unknown {other[0]!r}; {_RESTORE}")
    return dict(saved["config"])


def read_log(file: Path) -> Iterator[tuple[int, dict[str, Any] | Damaged]]:
    """The lines of a log and their numbers from 1: events, or what is wrong. An unfinished last line is no line."""
    sealed = False
    with reading(file) as lines:
        for number, line in enumerate(iter(lambda: lines.readline(_MOST_LINE), b""), 1):
            if not line.endswith(b"\n"):
                if len(line) == _MOST_LINE:
                    yield number, Damaged(f"longer than {_MOST_LINE:,} bytes; nothing is read from there on")
                return
            try:
                event, has_hash = unseal(line)
            except Damaged as error:
                yield number, error
                continue
            # Lines of an older program have no hash, and none of them comes after one that has.
            yield number, Damaged("altered since it was written (it has no hash)") if sealed and not has_hash else event
            sealed = sealed or has_hash


def _holder(path: Path) -> str:
    try:
        return f" (pid {int(read_ordinary(path / PID, _BLOCK))})"
    except (OSError, ValueError):
        return ""


def cut_torn_line(file: Path) -> None:
    """Shorten a file of lines by its last one, where a killed writer has not ended that."""
    with file.open("r+b") as handle:
        end = handle.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK)
            handle.seek(start)
            if (at := handle.read(end - start).rfind(b"\n")) >= 0:
                end = start + at + 1
                break
            end = start
        handle.truncate(end)
