"""From a model file to a net that runs inside the search kernel. Torch-free."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from engine.perceptron import KernelNet
from games.errors import TandemError
from nets.config import NetConfig
from nets.modelfile import read_model, unfit

if TYPE_CHECKING:
    from games.contract import Game

FAMILIES = ("mlp", "sparse")


def load_kernel_net(path: Path, game: Game) -> KernelNet:
    """Read a model of a family that kernels can evaluate.

    Raises TandemError as nets.modelfile.read_model does, and for another family.
    """
    header, arrays = read_model(path, game)
    config = NetConfig.parse(header.net)
    if config.family not in FAMILIES:
        raise TandemError(f"{path}: a {config} net runs in torch only")
    names = [f"hidden.{i}" for i in range(len(config.sizes) - config.listed)] + ["heads"]
    widths = (
        game.feature_count if config.listed else math.prod(game.planes),
        *config.sizes,
        config.inputs(game).logits + 3,
    )
    try:
        layers = [(arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names]
        if config.listed:
            layers.insert(0, (arrays["inputs.rows.weight"][:-1].T, arrays["inputs.bias"]))
    except KeyError as error:
        raise unfit(path, config) from error
    # The kernel trusts them: other shapes would have it read beyond its arrays.
    if [(weight.shape, bias.shape) for weight, bias in layers] != [((b, a), (b,)) for a, b in pairwise(widths)]:
        raise unfit(path, config)
    return KernelNet(header.net_id, layers, listed=config.listed)
