"""A batch of games as the bytes of one safetensors file, and back with every field checked."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from games.errors import TandemError
from games.files import read_ordinary, reason
from selfplay.records import COLUMNS, GameBatch

FORMAT = "tandem games 1"
MOST_BYTES = 4 << 30


class ForeignGames(TandemError):
    """Sound data of another game or another format version: refused, and left alone."""


class UnreadGames(TandemError):
    """What the system does not let us read, and may be sound: refused, and left alone."""


@dataclass(frozen=True)
class Summary:
    """How much a file of games holds."""

    games: int
    positions: int
    last_number: int  # the highest game number; -1 without games


def to_bytes(batch: GameBatch, rules_id: str) -> bytes:
    """The file of a batch; equal batches give equal bytes."""
    # One metadata entry: with several, safetensors writes them in an order that changes from run to run.
    meta = json.dumps({"format": FORMAT, "rules_id": rules_id, "texts": batch.texts}, sort_keys=True)
    arrays = {name: np.ascontiguousarray(getattr(batch, name)) for name in COLUMNS}
    return safetensors.numpy.save(arrays, {"tandem": meta})


def from_bytes(data: bytes, where: str, rules_id: str) -> GameBatch:
    """Read what `to_bytes` wrote; `where` names the file in errors.

    Raises ForeignGames for another rules_id or format, TandemError naming the field for anything unsound.
    """
    try:
        arrays = safetensors.numpy.load(data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__")
    except (SafetensorError, AttributeError, ValueError, KeyError) as error:
        raise TandemError(f"{where}: not a whole safetensors file ({error})") from error
    texts = _texts(metadata, where, rules_id)
    if wrong := sorted(arrays.keys() ^ COLUMNS.keys()):
        raise TandemError(f"{where}: missing or unknown fields: {', '.join(wrong)}")
    return GameBatch(texts=texts, **arrays).check(where)


def read_shard(path: Path) -> bytes:
    """The bytes of a file of games. Raises UnreadGames, FileNotFoundError where there is none."""
    try:
        return read_ordinary(path, MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadGames(
            f"cannot read {path}: {reason(error)}; make it readable, or move it away to go on without its games"
        ) from error


def summarise(batch: GameBatch) -> Summary:
    """The summary of a batch in memory."""
    return Summary(len(batch), batch.positions, int(batch.number.max(initial=-1)))


def read_summary(path: Path, rules_id: str) -> Summary:
    """The summary of a file, mostly from its header. Raises as `from_bytes` does, but notices less damage."""
    try:
        if not path.is_file():  # to open a pipe would wait for ever
            raise TandemError(f"{path}: it is no ordinary file")
        with safe_open(path, framework="numpy") as file:
            _texts(file.metadata(), str(path), rules_id)
            number, rows = file.get_tensor("number"), file.get_slice("ply").get_shape()[0]
        if number.ndim != 1 or number.dtype != COLUMNS["number"][1]:
            raise TandemError(f"{path}: number: not a column of {COLUMNS['number'][1]}")
        return Summary(len(number), int(rows), int(number.max(initial=-1)))
    except TandemError:
        raise
    except OSError as error:
        raise TandemError(f"cannot read {path}: {reason(error)}") from error
    except (SafetensorError, AttributeError, ValueError, TypeError, LookupError) as error:
        raise TandemError(f"{path}: not a whole safetensors file ({error})") from error


def _texts(metadata: Any, where: str, rules_id: str) -> tuple[str, ...]:
    try:
        meta = json.loads(metadata["tandem"])
        form, rules, texts = meta["format"], meta["rules_id"], meta["texts"]
    except (TypeError, KeyError, ValueError, RecursionError) as error:
        raise TandemError(f"{where}: metadata: not a file of games") from error
    if form != FORMAT:
        raise ForeignGames(f"{where}: format is {form!r}; this program reads {FORMAT!r}")
    if rules != rules_id:
        raise ForeignGames(f"{where}: holds games of {rules!r}, not of {rules_id!r}")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TandemError(f"{where}: texts: not a list of strings")
    return tuple(texts)
