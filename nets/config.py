"""A net's family and sizes as one short string, and what one evaluation costs. Torch-free."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from games.errors import TandemError, nearest

if TYPE_CHECKING:
    from games.contract import Game

FORMS = "mlp:512-256 or sparse:256-64 (widths of one to four hidden layers) or resnet:5x64 (blocks x channels)"

# Channels that a 1x1 convolution hands from the residual tower to each head: more than AlphaZero's 2 and 1, since a
# head's cost is small, and no more, since chess flattens 64 cells of each into 1,900 logits. Not tuned.
HEAD_CHANNELS = 32
# Width of the WDL head's one hidden layer.
WDL_HIDDEN = 64
# Global pooling gives the mean and the maximum of each channel (KataGo, Wu 2019, section 3.3).
POOLS = 2

_WIDTHS = re.compile(r"[1-9]\d{0,4}(-[1-9]\d{0,4}){0,3}")
_PATTERNS = {"mlp": _WIDTHS, "sparse": _WIDTHS, "resnet": re.compile(r"[1-9]\d?x[1-9]\d{0,3}")}


@dataclass(frozen=True)
class NetConfig:
    """Family and sizes: hidden widths for "mlp" and "sparse", (blocks, channels) for "resnet".

    An mlp reads the planes, a sparse net the game's list of active features. `str()` and `parse` are inverses.
    """

    family: str
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise TandemError unless the string form of this config would parse."""
        pattern = _PATTERNS.get(self.family)
        if pattern is None or not pattern.fullmatch(self._sizes_text()):
            raise TandemError(f"net {str(self)!r} is not known; write {FORMS}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "mlp:512-256" or "resnet:5x64". Raises TandemError naming the right forms."""
        family, _, sizes = text.strip().partition(":")
        pattern = _PATTERNS.get(family)
        if pattern is None or not pattern.fullmatch(sizes):
            hint = nearest(family, _PATTERNS) if pattern is None else ""
            raise TandemError(f"net {text!r} is not known; {hint}write {FORMS}")
        return cls(family, tuple(int(size) for size in re.split("[-x]", sizes)))

    def __str__(self) -> str:
        return f"{self.family}:{self._sizes_text()}"

    def _sizes_text(self) -> str:
        return ("x" if self.family == "resnet" else "-").join(str(size) for size in self.sizes)

    @property
    def listed(self) -> bool:
        """Whether such a net reads the list of active features, not planes."""
        return self.family == "sparse"

    def inputs(self, game: Game) -> Game:
        """The game as this net wants its positions encoded, and its moves' logits numbered."""
        return game.listed if self.listed else game

    def parameters(self, game: Game) -> int:
        """Return the number of trained numbers: weights, biases, batch-norm scales and shifts."""
        return sum(inputs * outputs * taps + extra * outputs for inputs, outputs, taps, _, extra in self._layers(game))

    def flops(self, game: Game) -> int:
        """Return the floating-point operations of one evaluation: two per multiply-add of every dense and conv layer.

        Biases, activations and pooling are left out, as is usual, and so is what is never active of sparse inputs.
        """
        unused = 2 * (game.feature_count - game.max_active) * self.sizes[0] if self.listed else 0
        layers = self._layers(game)
        return sum(2 * inputs * outputs * taps * cells for inputs, outputs, taps, cells, _ in layers) - unused

    def _layers(self, game: Game) -> list[tuple[int, int, int, int, int]]:
        """Return (inputs, outputs, kernel taps, cells computed, vectors per output beside the weights) per layer.

        The last is 1 for a bias and 2 for a batch norm, which stands in place of the bias.
        """
        channels_in, height, width = game.planes
        cells = height * width
        if self.family != "resnet":
            inputs = game.feature_count if self.listed else channels_in * cells
            widths = [inputs, *self.sizes, self.inputs(game).logits + 3]
            return [(inputs, outputs, 1, 1, 1) for inputs, outputs in pairwise(widths)]
        blocks, channels = self.sizes
        flat = HEAD_CHANNELS * (cells if game.policy is None else POOLS)
        layers = [(channels_in, channels, 9, cells, 2), *[(channels, channels, 9, cells, 2)] * (2 * blocks)]
        layers += [(channels, HEAD_CHANNELS, 1, cells, 2)] * 2
        layers += [(flat, WDL_HIDDEN, 1, 1, 1), (WDL_HIDDEN, 3, 1, 1, 1)]
        if game.policy is None:
            return [*layers, (flat, game.logits, 1, 1, 1)]
        per_cell, extra = game.policy
        return [*layers, (HEAD_CHANNELS, per_cell, 1, cells, 1), *([(flat, extra, 1, 1, 1)] if extra else [])]
