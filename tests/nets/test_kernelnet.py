"""Kernel nets against the same model in torch."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from nets.check import check
from nets.checkpoint import save_model
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.kernelnet import load_kernel_net
from nets.modelfile import read_model, write_model
from tests.nets.helpers import CONNECT4, lived_in, outputs, positions

NETS = ("mlp:20", "mlp:64-32", "mlp:100-50-25", "mlp:512-256")


def pair(text, game, path):
    """(kernel net, f32 evaluator) of one model file."""
    model, config = lived_in(text, game), NetConfig.parse(text)
    net_id = save_model(path, model, config, game, {})
    net = load_kernel_net(path, game)
    assert net.net_id == net_id
    return net, TorchEvaluator(model, precision="f32", device="cpu"), model


def random_positions(game, count, seed=0):
    choose, found = random.Random(seed), []
    while len(found) < count:
        position = Position(game)
        for _ in range(choose.randrange(game.max_plies)):
            if not position.ended:
                position.play(choose.choice(position.legal()))
        if not position.ended:
            found.append(position)
    return found


@pytest.mark.parametrize("name", ["connect4", "tictactoe", "connect4:rows=5,columns=9"])
@pytest.mark.parametrize("text", NETS)
def test_outputs_are_those_of_torch(text, name, tmp_path):
    game = load(name)
    net, reference, model = pair(text, game, tmp_path / "net.safetensors")
    found = random_positions(game, 200)
    planes = np.zeros((len(found), *game.planes), np.float32)
    for position, cells in zip(found, planes, strict=True):
        game.encode(game.record(position.state), cells)
    (got, got_wdl), (want, want_wdl) = (outputs(side, planes, game.logits) for side in (net, reference))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5)
    np.testing.assert_allclose(got_wdl, want_wdl, atol=1e-5)
    assert check(net, model, planes).mean_kl < 1e-8


@pytest.mark.parametrize("name", ["connect4", "tictactoe"])
@pytest.mark.parametrize("text", NETS[:3])
def test_searches_are_those_of_torch(text, name, tmp_path):
    """The same priors to 1e-5 in every position, and the same visits but where two scores are as good as equal."""
    game = load(name)
    net, reference, _ = pair(text, game, tmp_path / "net.safetensors")
    settings = Settings("hybrid", leaves=1, early_stop=False, memory=8 << 20)
    same = 0
    for position in random_positions(game, 30):
        one, other = (Search(game, settings, side).run(position, simulations=200) for side in (net, reference))
        np.testing.assert_allclose(one.prior, other.prior, atol=1e-5)
        same += one.visits.tolist() == other.visits.tolist()
    assert same >= 28


def test_planes_of_any_numbers_and_an_empty_batch(tmp_path):
    net, reference, _ = pair("mlp:64-32", CONNECT4, tmp_path / "net.safetensors")
    planes = np.random.default_rng(0).normal(0, 1, (20, 2, 6, 7)).astype(np.float32)
    for got, want in zip(outputs(net, planes, 7), outputs(reference, planes, 7), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    net.evaluate(positions(CONNECT4, 0), np.empty((0, 7), np.float32), np.empty((0, 3), np.float32))


def test_other_families_and_files_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    with pytest.raises(TandemError, match="no such file"):
        load_kernel_net(path, CONNECT4)
    save_model(path, lived_in("resnet:1x8", CONNECT4), NetConfig.parse("resnet:1x8"), CONNECT4, {})
    with pytest.raises(TandemError, match=r"net\.safetensors: a resnet:1x8 net runs in torch only"):
        load_kernel_net(path, CONNECT4)
    config = NetConfig.parse("mlp:16-8")
    save_model(path, lived_in("mlp:16-8", CONNECT4), config, CONNECT4, {})
    with pytest.raises(TandemError, match="made for connect4, not another"):
        load_kernel_net(path, SimpleNamespace(**{**vars(CONNECT4), "spec": "another", "rules_id": "another"}))
    _, arrays = read_model(path, CONNECT4)
    for change in ("heads.bias", "hidden.0.weight"):
        less = {name: array for name, array in arrays.items() if name != change}
        write_model(path, less, config, CONNECT4, {})
        with pytest.raises(TandemError, match="do not fit a mlp:16-8 net"):
            load_kernel_net(path, CONNECT4)
    write_model(path, {**arrays, "heads.weight": arrays["heads.weight"][:, 1:]}, config, CONNECT4, {})
    with pytest.raises(TandemError, match="do not fit a mlp:16-8 net"):
        load_kernel_net(path, CONNECT4)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    model = lived_in("mlp:16", CONNECT4)
    with torch.no_grad():
        model.get_parameter("heads.bias")[0] = float("nan")
    save_model(tmp_path / "net.safetensors", model, NetConfig.parse("mlp:16"), CONNECT4, {})
    with pytest.raises(TandemError, match="NaN or infinite weights"):
        load_kernel_net(tmp_path / "net.safetensors", CONNECT4)
