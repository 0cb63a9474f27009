"""Models on disk, and any other tensors that a trainer keeps: safetensors and JSON, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nets.config import NetConfig
from nets.families import build
from nets.modelfile import net_id_of, read_model, unfit, write_model
from nets.tensorfile import Array, read_tensor_file, write_tensor_file

if TYPE_CHECKING:
    from games.contract import Game


@dataclass(frozen=True)
class LoadedModel:
    """A net in evaluation mode with what its file says of it."""

    model: nn.Module
    config: NetConfig
    net_id: str
    card: dict[str, Any]
    path: Path


def save_model(path: Path, model: nn.Module, config: NetConfig, game: Game, card: dict[str, Any]) -> str:
    """Write `model` to one safetensors file, whole or not at all, and return its net id.

    `card` is any JSON: positions, evaluations, steps, core-seconds, commit, command. Raises TandemError when it is not
    JSON or the file cannot be written; an older file of that name then stays as it was.
    """
    return write_model(path, _arrays(model.state_dict()), config, game, card)


def load_model(path: Path, game: Game) -> LoadedModel:
    """Read a model for `game`, verified, in evaluation mode on the CPU.

    Raises TandemError when the file is missing, truncated, altered, no model, of a newer format, or made for another
    game, other rules or another shape.
    """
    header, arrays = read_model(path, game)
    config = NetConfig.parse(header.net)
    model = build(config, game)
    try:
        model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except RuntimeError as error:
        raise unfit(path, config) from error
    return LoadedModel(model.eval(), config, header.net_id, header.card, path)


def model_net_id(model: nn.Module) -> str:
    """Return the 12 hex digits that name these weights; `save_model` returns the same."""
    return net_id_of(_arrays(model.state_dict()))


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write `tensors` (float32, float64 or integers, on any device) and JSON-able `metadata`, whole or not at all.

    Raises TandemError when the metadata is no JSON or the file cannot be written.
    """
    write_tensor_file(path, _arrays(tensors), metadata)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `save_tensors`: tensors on the CPU, and the metadata.

    Raises TandemError when the file is missing, truncated, altered or of another kind.
    """
    arrays, metadata = read_tensor_file(path)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, metadata


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
