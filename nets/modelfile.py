"""The header of a model file, and every reason to refuse one for a game. Torch-free."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.errors import TandemError
from nets.config import NetConfig
from nets.tensorfile import Array, arrays_hash, read_tensor_file, read_tensor_header, write_tensor_file

if TYPE_CHECKING:
    from games.contract import Game

# Raised when older programs could no longer read a new file.
FORMAT = 1
# 48 bits: two of a million nets share an id with a chance of 0.2 %.
NET_ID_DIGITS = 12


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
    """Write a model file atomically and return its net id. Raises TandemError when it cannot be written."""
    net_id = net_id_of(arrays)
    header = ModelHeader(FORMAT, game.spec, game.rules_id, str(config), game.planes, game.logits, net_id, card)
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
    arrays, raw = read_tensor_file(path)
    header = _header(path, raw)
    if header.rules_id != game.rules_id:
        if header.game == game.spec:
            raise TandemError(
                f"{path}: made for other rules of {game.spec} (rules id {header.rules_id}, not {game.rules_id}); "
                "use a model trained under these rules"
            )
        raise TandemError(f"{path}: made for {header.game}, not {game.spec}; name a model of {game.spec}")
    if (header.planes, header.logits) != (tuple(game.planes), game.logits):
        raise TandemError(
            f"{path}: made for planes {header.planes} and {header.logits} logits, but {game.spec} now has "
            f"{tuple(game.planes)} and {game.logits}; use a model trained on this encoding"
        )
    if header.net_id != net_id_of(arrays):
        raise TandemError(f"{path}: its weights are not those of net {header.net_id}; copy it again from its source")
    return header, arrays


def _header(path: Path, raw: dict[str, Any]) -> ModelHeader:
    if raw.get("format", FORMAT) != FORMAT:
        raise TandemError(f"{path}: model format {raw['format']}, but this version reads {FORMAT}; update Tandem")
    if set(raw) != {field.name for field in fields(ModelHeader)}:
        raise TandemError(f"{path}: a Tandem file, but not a model; name a model's .safetensors file")
    return ModelHeader(**{**raw, "planes": tuple(raw["planes"])})
