"""The header of a model file, and every reason to refuse one for a game. Torch-free."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from games.errors import TandemError
from nets.config import NetConfig
from nets.tensorfile import Array, arrays_hash, read_tensor_file, read_tensor_header, write_tensor_file

if TYPE_CHECKING:
    from games.contract import Game

# Raised when older programs could no longer read a new file.
FORMAT = 1
# 48 bits: two of a million nets share an id with a chance of 0.2 %.
NET_ID_DIGITS = 12
DTYPES = (np.float32, np.int64)  # weights, and the counters of batch norms
HALF = np.float16  # weights as they may be stored: half the size, and read as float32
_KINDS: dict[str, type] = {"format": int, "planes": list, "logits": int, "card": dict}  # in JSON; all else is text


@dataclass(frozen=True)
class ModelHeader:
    """What a model file says of itself; `card` is free: positions, evaluations, steps, core-seconds, commit."""

    format: int
    game: str
    rules_id: str
    net: str
    planes: tuple[int, ...]
    logits: int
    net_id: str
    card: dict[str, Any]


def net_id_of(arrays: dict[str, Array]) -> str:
    """Return the identity of a net with these weights: 12 hex digits of their hash."""
    return arrays_hash(arrays)[:NET_ID_DIGITS]


def write_model(path: Path, arrays: dict[str, Array], config: NetConfig, game: Game, card: dict[str, Any]) -> str:
    """Write a model file atomically and return its net id, that of float32 weights also where these are float16.

    Raises TandemError when it cannot be written.
    """
    net_id = net_id_of({name: a.astype(np.float32) if a.dtype == HALF else a for name, a in arrays.items()})
    logits = config.inputs(game).logits
    header = ModelHeader(FORMAT, game.spec, game.rules_id, str(config), game.planes, logits, net_id, card)
    write_tensor_file(path, arrays, asdict(header))
    return net_id


def read_header(path: Path) -> ModelHeader:
    """Return a model file's header without reading its weights.

    Raises TandemError when the file is missing, broken, no model, or of a newer format.
    """
    return _header(path, read_tensor_header(path))


def read_model(path: Path, game: Game) -> tuple[ModelHeader, dict[str, Array]]:
    """Read header and weights (float32, int64 counters), verified.

    Raises TandemError when the file is missing, truncated, altered, no model, of a newer format, or made for another
    game, other rules or another shape.
    """
    header, arrays = read_any_model(path)
    if header.rules_id != game.rules_id:
        if header.game == game.spec:
            raise TandemError(
                f"{path}: made for other rules of {game.spec} (rules id {header.rules_id}, not {game.rules_id}); "
                "use a model trained under these rules"
            )
        raise TandemError(f"{path}: made for {header.game}, not {game.spec}; name a model of {game.spec}")
    try:
        config = NetConfig.parse(header.net)
    except TandemError as error:
        raise TandemError(f"{path}: {error}") from None
    logits = config.inputs(game).logits
    if (header.planes, header.logits) != (tuple(game.planes), logits):
        raise TandemError(
            f"{path}: made for planes {header.planes} and {header.logits} logits, but {game.spec} now has "
            f"{tuple(game.planes)} and {logits}; use a model trained on this encoding"
        )
    # Before a net of that size is built: its name must not ask for more memory than its file takes.
    if config.parameters(game) > sum(array.size for array in arrays.values()):
        raise unfit(path, config)
    return header, arrays


def unfit(path: Path, config: NetConfig) -> TandemError:
    """What to raise for weights that are not those of such a net."""
    return TandemError(f"{path}: its weights do not fit a {config} net; use a model of this version")


def read_any_model(path: Path) -> tuple[ModelHeader, dict[str, Array]]:
    """Read header and weights (float32, int64 counters), verified, whatever the game.

    Raises TandemError as `read_model` otherwise does.
    """
    arrays, raw = read_tensor_file(path)
    header = _header(path, raw)
    arrays = {name: array.astype(np.float32) if array.dtype == HALF else array for name, array in arrays.items()}
    if header.net_id != net_id_of(arrays):
        raise TandemError(f"{path}: its weights are not those of net {header.net_id}; copy it again from its source")
    for name, array in arrays.items():
        if array.dtype not in DTYPES:
            raise TandemError(f"{path}: its {name} is {array.dtype}; weights must be float32")
    return header, arrays


def _header(path: Path, raw: dict[str, Any]) -> ModelHeader:
    if raw.get("format", FORMAT) != FORMAT:
        raise TandemError(f"{path}: model format {raw['format']}, but this version reads {FORMAT}; update Tandem")
    if set(raw) != {field.name for field in fields(ModelHeader)}:
        raise TandemError(f"{path}: a Tandem file, but not a model; name a model's .safetensors file")
    for field in fields(ModelHeader):
        value, kind = raw[field.name], _KINDS.get(field.name, str)
        if type(value) is not kind or (field.name == "planes" and any(type(size) is not int for size in raw["planes"])):
            raise TandemError(f"{path}: its {field.name} is no {kind.__name__}; no program of ours wrote it")
    return ModelHeader(**{**raw, "planes": tuple(raw["planes"])})
