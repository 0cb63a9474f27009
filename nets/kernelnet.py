"""From a model file to a net that runs inside the search kernel. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.perceptron import KernelNet
from games.errors import TandemError
from nets.config import NetConfig
from nets.modelfile import read_model

if TYPE_CHECKING:
    from games.contract import Game

FAMILIES = ("mlp",)


def load_kernel_net(path: Path, game: Game) -> KernelNet:
    """Read a model of a family that kernels can evaluate.

    Raises TandemError as nets.modelfile.read_model does, and for another family.
    """
    header, arrays = read_model(path, game)
    config = NetConfig.parse(header.net)
    if config.family not in FAMILIES:
        raise TandemError(f"{path}: a {config} net runs in torch only")
    names = [f"hidden.{i}" for i in range(len(config.sizes))] + ["heads"]
    try:
        layers = [(arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names]
    except KeyError as error:
        raise TandemError(f"{path}: its weights do not fit a {config} net; use a model of this version") from error
    return KernelNet(header.net_id, layers)
