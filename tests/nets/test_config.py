"""A net's one-string form, and its cost."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from games.errors import TandemError
from nets.config import NetConfig
from nets.families import build
from tests.nets.helpers import GAMES, positions


@pytest.mark.parametrize("text", ["mlp:512-256", "mlp:64", "mlp:8-8-8-8", "resnet:5x64", "resnet:12x128"])
def test_round_trip(text):
    config = NetConfig.parse(text)
    assert str(config) == text
    assert NetConfig.parse(str(config)) == config


def test_sizes():
    assert NetConfig.parse("mlp:512-256") == NetConfig("mlp", (512, 256))
    assert NetConfig.parse("resnet:5x64") == NetConfig("resnet", (5, 64))


BAD = ["", "mlp", "mlp:", "mlp:0", "mlp:64x32", "mlp:1-2-3-4-5", "resnet:5", "resnet:5x", "resnet:0x64", "cnn:5x64"]


@pytest.mark.parametrize("text", BAD)
def test_bad_text_is_refused_with_the_right_forms(text):
    with pytest.raises(TandemError, match=r"mlp:512-256.*resnet:5x64"):
        NetConfig.parse(text)


@pytest.mark.parametrize("args", [("mlp", ()), ("resnet", (5,)), ("resnet", (5, 64, 3)), ("cnn", (1,)), ("mlp", (-1,))])
def test_bad_sizes_are_refused(args):
    with pytest.raises(TandemError, match=r"mlp:512-256.*resnet:5x64"):
        NetConfig(*args)


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("text", ["mlp:64", "mlp:512-256", "resnet:1x8", "resnet:3x16"])
def test_cost_is_that_of_the_built_net(text, game):
    config = NetConfig.parse(text)
    net = build(config, game).eval()
    assert config.parameters(game) == sum(parameter.numel() for parameter in net.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.from_numpy(positions(game, 1)))
    assert config.flops(game) == counter.get_total_flops()


def test_torch_free_modules_do_not_import_torch():
    code = "import sys, nets.config, nets.modelfile, nets.kernelnet; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
    control = "import sys, nets.families; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", control], cwd=root, check=False).returncode == 1
