"""The evaluator against eager f32, and `check` itself."""

import copy

import numpy as np
import pytest
import torch

import nets.evaluator
import nets.fused
from games.errors import TandemError
from nets.check import MAX_MEAN_KL, MAX_WDL_ERROR, check
from nets.checkpoint import model_net_id
from nets.evaluator import TorchEvaluator
from tests.nets.helpers import CONNECT4, GAMES, NETS, OTHELLO, lived_in, outputs, positions


@pytest.mark.parametrize("batch", [1, 3, 16, 65])
@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("text", NETS)
def test_f32_equals_the_eager_net(text, game, batch):
    net = lived_in(text, game)
    planes = positions(game, batch)
    with torch.no_grad():
        policy, wdl = net(torch.from_numpy(planes))
    got_policy, got_wdl = outputs(TorchEvaluator(net, precision="f32", device="cpu"), planes, game.logits)
    np.testing.assert_allclose(got_policy, policy.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got_wdl, wdl.softmax(1).numpy(), atol=1e-5)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.name)
@pytest.mark.parametrize("text", NETS)
def test_bf16_passes_check_and_differs_from_f32(text, game, packed, monkeypatch):
    if packed and not nets.fused.packed_available():
        pytest.skip("this torch has no packed operators")
    monkeypatch.setattr(nets.fused, "packed_available", lambda: packed)
    net = lived_in(text, game)
    result = check(TorchEvaluator(net, precision="bf16", device="cpu"), net, positions(game, 40))
    assert result.positions == 40
    assert 1e-9 < result.mean_kl < MAX_MEAN_KL
    assert 1e-6 < result.max_wdl_error < MAX_WDL_ERROR


@pytest.mark.parametrize("text", NETS)
def test_check_passes_f32_by_far_and_refuses_another_net(text):
    net = lived_in(text, OTHELLO)
    planes = positions(OTHELLO, 30)
    assert check(TorchEvaluator(net, precision="f32", device="cpu"), net, planes).mean_kl < 1e-8
    other = copy.deepcopy(net)
    with torch.no_grad():
        next(iter(other.parameters())).mul_(1.5)
    with pytest.raises(TandemError, match="strays from eager f32"):
        check(TorchEvaluator(other, precision="f32", device="cpu"), net, planes)


class _Shifted:
    """An evaluator that is exact but for one logit or one probability."""

    net_id = "shifted"

    def __init__(self, net, logit, probability):
        self.exact = TorchEvaluator(net, precision="f32", device="cpu")
        self.logit, self.probability = logit, probability

    def evaluate(self, planes, logits, wdl):
        self.exact.evaluate(planes, logits, wdl)
        logits[:, 0] += self.logit
        wdl[0, 0] += self.probability


@pytest.mark.parametrize(
    ("logit", "probability", "refused"),
    [(0, 0.019, False), (0, 0.021, True), (0.02, 0, False), (1, 0, True), (float("nan"), 0, True)],
)
def test_check_holds_policy_and_wdl_to_their_own_limits(logit, probability, refused):
    net = lived_in("mlp:64-32", CONNECT4)
    evaluator = _Shifted(net, logit, probability)
    if refused:
        with pytest.raises(TandemError, match="use precision f32"):
            check(evaluator, net, positions(CONNECT4, 30))
    else:
        check(evaluator, net, positions(CONNECT4, 30))


@pytest.mark.parametrize("text", NETS)
def test_auto_passes_check_at_every_batch_size(text):
    net = lived_in(text, CONNECT4)
    for batch in (1, 2, 15, 16, 17, 130):
        check(TorchEvaluator(net, device="cpu"), net, positions(CONNECT4, batch))


def test_auto_uses_f32_where_bf16_is_not_in_hardware(monkeypatch):
    net = lived_in("mlp:64-32", CONNECT4)
    for fast, precision in ((False, "f32"), (True, "bf16")):
        monkeypatch.setattr(nets.evaluator, "fast_bf16", lambda device, fast=fast: fast)
        assert TorchEvaluator(net, device="cpu").precision == precision


@pytest.mark.parametrize("text", NETS)
def test_model_is_copied_and_its_mode_kept(text):
    net = lived_in(text, CONNECT4).train()
    before = copy.deepcopy(net.state_dict())
    evaluator = TorchEvaluator(net, device="cpu")
    planes = positions(CONNECT4, 20)
    first = outputs(evaluator, planes, 7)
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert all(np.array_equal(a, b) for a, b in zip(first, outputs(evaluator, planes, 7), strict=True))


def test_load_swaps_weights_and_clones_keep_theirs():
    old, new = lived_in("mlp:64-32", CONNECT4), lived_in("resnet:2x16", CONNECT4)
    planes = positions(CONNECT4, 20)
    evaluator = TorchEvaluator(old, device="cpu")
    clone = evaluator.clone()
    evaluator.load(new)
    assert (clone.net_id, evaluator.net_id) == (model_net_id(old), model_net_id(new))
    check(clone, old, planes)
    check(evaluator, new, planes)
    with pytest.raises(TandemError):
        check(evaluator, old, planes)


@pytest.mark.parametrize("batch", [1, 4, 64])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("text", "parameter", "row"),
    [(NETS[0], "heads.bias", 0), (NETS[0], "heads.bias", -1), (NETS[1], "policy.bias", 0), (NETS[1], "wdl.bias", 0)],
)
def test_nan_and_infinity_in_either_head_are_refused(text, parameter, row, value, batch):
    net = lived_in(text, CONNECT4)
    with torch.no_grad():
        net.get_parameter(parameter)[row] = value
    evaluator = TorchEvaluator(net, device="cpu")
    with pytest.raises(TandemError, match=f"{evaluator.net_id} gives NaN or infinite outputs for {batch} of {batch}"):
        outputs(evaluator, positions(CONNECT4, batch), 7)


def test_writes_into_slices_and_takes_an_empty_batch():
    net = lived_in("mlp:64-32", CONNECT4)
    evaluator = TorchEvaluator(net, device="cpu")
    planes = positions(CONNECT4, 20)
    logits, wdl = np.zeros((30, 9), np.float32), np.zeros((30, 3), np.float32)
    evaluator.evaluate(planes, logits[5:25, 1:8], wdl[5:25])
    want_logits, want_wdl = outputs(evaluator, planes, 7)
    assert np.array_equal(logits[5:25, 1:8], want_logits)
    assert np.array_equal(wdl[5:25], want_wdl)
    assert not logits[:5].any() and not logits[:, 0].any() and not wdl[25:].any()
    evaluator.evaluate(planes[:0], logits[:0, :7], wdl[:0])


@pytest.mark.parametrize("bad", [{"precision": "int8"}, {"device": "tpu9"}, {"device": "cuda:99"}])
def test_unknown_precision_and_absent_device_are_refused(bad):
    with pytest.raises(TandemError, match="write auto, "):
        TorchEvaluator(lived_in("mlp:64-32", CONNECT4), **bad)
