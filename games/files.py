"""Files that are whole or absent: a kill, a power cut or a full disk never leaves half of one under its name."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from games.errors import TandemError

_REPLACED = ".replaced.tmp"


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path`, replacing what was there, so that a reader sees the old bytes or the new ones.

    Raises TandemError with the path and the system's reason; the old file is then untouched.
    """
    with writing(path) as file:
        file.write(data)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end of the block, and is discarded if that raises.

    Raises TandemError as `write_atomic` does, and where `path` is a device or a pipe, which must not be replaced.
    """
    if path.exists() and not path.is_file():
        raise TandemError(f"cannot write {path}: it is no ordinary file")
    temporary = temporary_path(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise TandemError(f"cannot write {path}: {reason(error)}") from error
    finally:
        discard(temporary)


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A file to read from. Raises OSError, for a pipe or a device too: such need not have an end."""
    # Without waiting: a pipe is not opened before somebody writes to it.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        yield file


def read_ordinary(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises OSError as `reading` does, and where it is longer than `most`."""
    with reading(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise OSError(errno.EFBIG, f"it has {size:,} bytes, and {most:,} are the most that are read of its kind")
        return file.read(size)  # not `most`, for which room would be made at once


def check_output(path: Path) -> None:
    """Raise TandemError where no file can be written at `path`, before there is work to lose."""
    if path.is_dir():
        raise TandemError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise TandemError(f"cannot write {path}: there is no folder {path.parent}")
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        raise TandemError(f"cannot write {path}: it is {'read-only' if path.is_file() else 'no ordinary file'}")
    temporary = temporary_path(path)
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise TandemError(f"cannot write {path}: {reason(error)}") from error
    finally:
        discard(temporary)


def publish_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill an empty folder, make its files durable, then name it `path`, replacing what was there.

    Raises what `write` raises, an OSError as TandemError; the old folder is then untouched. A kill in the instant
    between two renames leaves the old one under a name from which `remove_temporaries` brings it back.
    """
    fresh, old = temporary_path(path), path.with_name(f".{path.name}{_REPLACED}")
    try:
        fresh.mkdir()
        write(fresh)
        _sync_tree(fresh)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise TandemError(f"cannot write {path}: {reason(error)}") from error
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        discard(fresh)
        discard(old)


def content_hash(data: bytes) -> str:
    """12 hex digits that change when any byte of `data` does: a check against damage, not against forgery."""
    return hashlib.blake2b(data, digest_size=6).hexdigest()


def temporary_path(path: Path) -> Path:
    """A fresh hidden name beside `path`, on the same file system, that `remove_temporaries` recognises."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def remove_temporaries(folder: Path) -> None:
    """Clear up what killed writers left in `folder`. Only for the folder's single writer, before it writes.

    What was being replaced gets its name back, all else is deleted.
    """
    if folder.is_dir():
        for path in folder.glob(".*.tmp"):
            target = path.with_name(path.name.removeprefix(".").removesuffix(_REPLACED))
            if path.name.endswith(_REPLACED) and not target.exists():
                path.rename(target)
            discard(path)


def discard(path: Path) -> None:
    """Delete a file or a folder tree if it is there and the system lets us; clearing up never stops the program."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut; does nothing where folders cannot be opened (Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError:
        # Some network file systems refuse fsync on folders; the rename itself has happened.
        return
    finally:
        os.close(handle)


def reason(error: OSError) -> str:
    """The system's words for `error`, without its number and path, and what to do where that is not plain."""
    words = error.strerror or str(error) or type(error).__name__
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{words}; make room there, and start the same command again" if full else words


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            # Opened for writing: Windows syncs no other handle.
            with path.open("r+b") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def plain_stem(name: str, spec: str) -> str:
    """A file's name, without suffix, for a game and its parameters: connect4, connect4-columns=8."""
    # A Windows path may hold a colon too; only parameters have a name and "=" right after theirs.
    parameters = re.search(r":(\w+=.*)", spec)
    return re.sub(r"[^\w=.+-]", "-", name + (f"-{parameters[1]}" if parameters else ""))
