"""Shapes, initialisation and the layout of the policy map."""

import pytest
import torch

from games.loader import load
from nets.config import NetConfig
from nets.families import build
from tests.nets.helpers import CONNECT4, GAMES, NETS, OTHELLO, lived_in, positions


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("text", NETS)
def test_forward_shapes_and_dtypes(text, game):
    net = build(NetConfig.parse(text), game)
    planes = torch.from_numpy(positions(game, 5))
    for dtype in (torch.float32, torch.bfloat16):
        policy, wdl = net.to(dtype)(planes.to(dtype))
        assert (policy.shape, wdl.shape) == ((5, game.logits), (5, 3))
        assert policy.dtype == wdl.dtype == dtype


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("text", [*NETS, "mlp:512-256", "resnet:5x64"])
def test_untrained_net_is_near_uniform_but_not_constant(text, game):
    net = build(NetConfig.parse(text), game).eval()
    with torch.no_grad():
        policy, wdl = net(torch.from_numpy(positions(game, 32)))
    assert (policy.softmax(1) * game.logits - 1).abs().max() < 0.5
    assert (wdl.softmax(1) - 1 / 3).abs().max() < 0.1
    assert policy.std(0).min() > 0


@pytest.mark.parametrize("text", NETS)
def test_every_parameter_learns_within_two_steps(text):
    net = build(NetConfig.parse(text), OTHELLO)
    planes = torch.from_numpy(positions(OTHELLO, 16))
    before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        policy, wdl = net(planes)
        loss = -policy.log_softmax(1)[:, 3].mean() - wdl.log_softmax(1)[:, 0].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert [name for name, parameter in net.named_parameters() if torch.equal(parameter, before[name])] == []


def test_seed_decides_the_weights_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    one, again, other = (build(NetConfig.parse("mlp:16"), CONNECT4, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.heads.weight, again.heads.weight)
    assert not torch.equal(one.heads.weight, other.heads.weight)


def test_policy_map_is_channel_major_and_the_extra_logits_come_last():
    game = GAMES[2]
    net = lived_in("resnet:2x16", game)
    planes = torch.from_numpy(positions(game, 3))
    with torch.no_grad():
        x = net.stem(planes)
        for block in net.blocks:
            x = block(x)
        cells = net.policy_map(net.policy_conv(x))
        policy, _ = net(planes)
    assert cells.shape == (3, 2, 5, 4)
    for channel, row, column in ((0, 0, 0), (0, 2, 3), (1, 4, 1)):
        assert torch.equal(policy[:, channel * 20 + row * 4 + column], cells[:, channel, row, column])


@pytest.mark.parametrize("text", ["mlp:32-16", "sparse:32-16", "resnet:1x8"])
@pytest.mark.parametrize("name", ["chess", "tictactoe"])
def test_logits_of_some_moves_are_those_of_all(text, name):
    game = load(name)
    config = NetConfig.parse(text)
    net = lived_in(text, game)
    inputs = config.inputs(game)
    shape = (5, *inputs.planes)
    high = game.feature_count + 1 if text.startswith("sparse") else 2
    planes = torch.randint(0, high, shape, generator=torch.Generator().manual_seed(1)).float()
    moves = torch.randint(0, inputs.logits, (5, 7, inputs.terms), generator=torch.Generator().manual_seed(2))

    def wanted(policy):
        return torch.stack([policy.gather(1, moves[:, :, term]) for term in range(inputs.terms)]).sum(0)

    for parameter in net.parameters():
        parameter.grad = None
    policy, wdl = net(planes)
    some, same = net(planes, moves)
    torch.testing.assert_close(some, wanted(policy), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(same, wdl, atol=1e-4, rtol=1e-4)
    some.square().sum().backward()
    found = [None if p.grad is None else p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    wanted(net(planes)[0]).square().sum().backward()
    for parameter, gradient in zip(net.parameters(), found, strict=True):
        if parameter.grad is not None:
            torch.testing.assert_close(gradient, parameter.grad, atol=1e-2, rtol=1e-3)
