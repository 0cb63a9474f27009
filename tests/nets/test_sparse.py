"""Nets of sparse inputs: in torch and in the kernel, beside a perceptron that reads the same as planes."""

import numpy as np
import pytest
import torch

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from nets.checkpoint import load_model, save_model
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import Mlp, Sparse, build
from nets.kernelnet import load_kernel_net
from selfplay.actor import Actor
from selfplay.replay import Replay
from selfplay.trainer import Trainer
from tests.nets.helpers import lived_in, outputs
from tests.selfplay.helpers import played, tiny

NAMES = ("tictactoe", "connect4", "chess")


def lists(game, count=60):
    """Lists of active features of positions of random games, and the records themselves."""
    rng, states, position = np.random.default_rng(1), game.states(count), Position(game)
    for i in range(count):
        if position.ended:
            position = Position(game)
        states[i] = position.state[0]
        position.play(position.legal()[rng.integers(len(position.legal()))])
    planes = np.zeros((count, *game.listed.planes), np.float32)
    rules(game.listed).encode(states, planes)
    return planes, states


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_says_what_torch_says(name, tmp_path):
    game, path = load(name), tmp_path / "net.safetensors"
    model, config = lived_in("sparse:40-24", game), NetConfig.parse("sparse:40-24")
    save_model(path, model, config, game, {})
    planes, _ = lists(game)
    want = outputs(TorchEvaluator(model, precision="f32", device="cpu"), planes, game.listed.logits)
    for got, wanted in zip(outputs(load_kernel_net(path, game), planes, game.listed.logits), want, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=2e-5)
    half = outputs(TorchEvaluator(model, precision="bf16", device="cpu"), planes, game.listed.logits)
    np.testing.assert_allclose(half[1], want[1], atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_searches_in_the_kernel_and_in_torch_agree(name, tmp_path):
    game, path = load(name), tmp_path / "net.safetensors"
    model = lived_in("sparse:32-16", game)
    save_model(path, model, NetConfig.parse("sparse:32-16"), game, {})
    settings = Settings("hybrid", leaves=1, early_stop=False, memory=8 << 20)
    position = Position(game)
    for _ in range(6):
        sides = (load_kernel_net(path, game), TorchEvaluator(model, precision="f32", device="cpu"))
        one, other = (Search(game, settings, side).run(position, simulations=60) for side in sides)
        np.testing.assert_allclose(one.prior, other.prior, atol=1e-5)
        assert abs(one.value - other.value) < 1e-3
        position.play(one.action)


@pytest.mark.parametrize("name", ["tictactoe", "connect4"])
def test_features_by_default_are_the_cells_of_the_planes(name):
    """With the weights of a perceptron it is that perceptron."""
    game = load(name)
    plain, sparse = lived_in("mlp:24-12", game), build(NetConfig.parse("sparse:24-12"), game).eval()
    assert isinstance(plain, Mlp) and isinstance(sparse, Sparse)
    with torch.no_grad():
        sparse.inputs.rows.weight[:-1] = plain.hidden[0].weight.T
        sparse.inputs.bias[:] = plain.hidden[0].bias
    sparse.hidden[0].load_state_dict(plain.hidden[1].state_dict())
    sparse.heads.load_state_dict(plain.heads.state_dict())
    indices, states = lists(game)
    planes = np.zeros((len(states), *game.planes), np.float32)
    rules(game).encode(states, planes)
    with torch.inference_mode():
        for a, b in zip(plain(torch.from_numpy(planes)), sparse(torch.from_numpy(indices)), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_cost_is_that_of_the_built_net():
    game, config = load("chess"), NetConfig.parse("sparse:64-16")
    model = build(config, game)
    # But for the row that ends a list and stays zero.
    assert config.parameters(game) == sum(p.numel() for p in model.parameters()) - 64
    assert config.flops(game) == 2 * (game.max_active * 64 + 64 * 16 + 16 * (game.listed.logits + 3))


def test_it_plays_itself_and_learns_as_a_perceptron_of_its_size_does():
    game, left = load("tictactoe"), {}
    for net in ("sparse:32-16", "mlp:32-16"):
        config = tiny(game, net=net, learning_rate=1e-2)
        trainer = Trainer(game, config)
        actor = Actor(game, config, TorchEvaluator(trainer.average))
        replay = Replay(game, trainer.net_config.inputs(game))
        replay.append(actor.play(600))
        trainer.train(replay, 300, 0.5)
        losses = trainer.train(replay, 100, 0.5)
        left[net] = losses.policy - losses.entropy
        if net.startswith("sparse"):
            assert torch.equal(trainer.model.inputs.rows.weight[-1], torch.zeros(32)), "the end of a list says nothing"
    assert left["sparse:32-16"] < 1.2 * left["mlp:32-16"] < 0.6, "some 0.9 nats before"


def test_images_are_drawn_as_lists_of_their_own():
    game = load("tictactoe")
    replay = Replay(game, game.listed)
    replay.append(played(game))
    batch = replay.sample(200, np.random.default_rng(0), np.zeros(1, np.uint64))
    assert batch.planes.shape == (200, *game.listed.planes)
    ended = batch.planes.reshape(200, -1) == game.feature_count
    assert (np.diff(ended.astype(int), axis=1) >= 0).all() and ended.any()


def test_weights_that_do_not_fit(tmp_path):
    game, path = load("tictactoe"), tmp_path / "net.safetensors"
    save_model(path, build(NetConfig.parse("mlp:16"), game), NetConfig.parse("sparse:16"), game, {})
    for read in (load_kernel_net, load_model):
        with pytest.raises(TandemError, match="do not fit a sparse:16 net"):
            read(path, game)
