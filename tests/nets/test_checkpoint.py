"""Model files: what is written is read back, and every broken or foreign file is refused by name."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
import torch

import games.files
from games.errors import TandemError
from nets.checkpoint import load_model, load_tensors, model_net_id, save_model, save_tensors
from nets.config import NetConfig
from nets.modelfile import read_header
from nets.tensorfile import write_tensor_file
from tests.nets.helpers import CONNECT4, NETS, OTHELLO, lived_in, positions

CARD = {"positions": 1000, "core-seconds": 1.5, "command": "train.py connect4 --minutes 1"}


def saved(path, text="mlp:4", game=CONNECT4):
    net = lived_in(text, game)
    return net, save_model(path, net, NetConfig.parse(text), game, CARD)


def refused(path, game, words):
    """Loading says one line with the path and `words`, and leaves the folder as it was."""
    before = {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    with pytest.raises(TandemError, match=words) as caught:
        load_model(path, game)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before


@pytest.mark.parametrize("game", [CONNECT4, OTHELLO], ids=lambda game: game.name)
@pytest.mark.parametrize("text", NETS)
def test_round_trip(tmp_path, text, game):
    path = tmp_path / "model.safetensors"
    net, net_id = saved(path, text, game)
    loaded = load_model(path, game)
    planes = torch.from_numpy(positions(game, 9))
    with torch.no_grad():
        assert all(torch.equal(a, b) for a, b in zip(net(planes), loaded.model(planes), strict=True))
    assert len(net_id) == 12
    assert net_id == loaded.net_id == model_net_id(net) == model_net_id(loaded.model)
    assert (loaded.config, loaded.card, loaded.path) == (NetConfig.parse(text), CARD, path)
    assert not loaded.model.training


def test_equal_nets_make_equal_files_and_one_weight_makes_another_id(tmp_path):
    net, net_id = saved(tmp_path / "a")
    saved(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with torch.no_grad():
        net.heads.bias[0] += 1
    assert model_net_id(net) != net_id


def test_header_is_read_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    _, net_id = saved(path)
    assert asdict(read_header(path)) == {
        "format": 1, "game": "connect4", "rules_id": CONNECT4.rules_id, "net": "mlp:4",
        "planes": (2, 6, 7), "logits": 7, "net_id": net_id, "card": CARD,
    }  # fmt: skip


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    saved(path)
    whole = path.read_bytes()
    for length in (0, 4, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, CONNECT4, "truncated")


def test_a_flip_of_any_byte_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    saved(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1
        path.write_bytes(altered)
        with pytest.raises(TandemError, match="altered"):
            load_model(path, CONNECT4)


def test_altered_weights_with_a_mended_file_hash_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    net, _ = saved(path)
    header = asdict(read_header(path))
    arrays = {name: tensor.numpy().copy() for name, tensor in net.state_dict().items()}
    arrays["heads.bias"][0] += 1
    write_tensor_file(path, arrays, header)
    refused(path, CONNECT4, f"not those of net {header['net_id']}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": "othello", "rules_id": "other"}, "made for connect4, not othello"),
        ({"rules_id": "connect4() v2 abc"}, "other rules of connect4"),
        ({"planes": (3, 6, 7)}, r"planes \(2, 6, 7\) and 7 logits"),
        ({"logits": 8}, r"planes \(2, 6, 7\) and 7 logits"),
    ],
)
def test_another_game_rules_or_shape_is_refused(tmp_path, change, words):
    path = tmp_path / "model.safetensors"
    saved(path)
    refused(path, SimpleNamespace(**{**vars(CONNECT4), **change}), words)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    refused(path, CONNECT4, "no such file")
    path.write_text("not a net at all, but a text of some length")
    refused(path, CONNECT4, "not a safetensors file")
    safetensors.numpy.save_file({"a": np.zeros(3)}, path)
    refused(path, CONNECT4, "not one of Tandem's")
    save_tensors(path, {"a": torch.zeros(3)}, {"step": 1})
    refused(path, CONNECT4, "not a model")
    with pytest.raises(TandemError, match="not a model"):
        read_header(path)


def test_newer_format_and_unfit_weights_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    net, _ = saved(path)
    header = asdict(read_header(path))
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    write_tensor_file(path, arrays, {**header, "format": 2})
    refused(path, CONNECT4, "model format 2")
    write_tensor_file(path, arrays, {**header, "net": "mlp:8"})
    refused(path, CONNECT4, "do not fit a mlp:8 net")


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    _, net_id = saved(path)
    old = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(games.files.os, "fsync", full)
        with pytest.raises(TandemError, match="No space left on device"):
            saved(path, "mlp:64-32")
    assert path.read_bytes() == old
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert load_model(path, CONNECT4).net_id == net_id
    assert saved(path, "mlp:64-32")[1] == load_model(path, CONNECT4).net_id != net_id


@pytest.mark.parametrize("card", [{"loss": float("nan")}, {"path": object()}])
def test_a_card_that_is_no_json_is_refused_and_writes_nothing(tmp_path, card):
    path = tmp_path / "model.safetensors"
    with pytest.raises(TandemError, match="plain JSON"):
        save_model(path, lived_in("mlp:4", CONNECT4), NetConfig.parse("mlp:4"), CONNECT4, card)
    assert not list(tmp_path.iterdir())


def test_optimiser_state_round_trip(tmp_path):
    path = tmp_path / "trainer.safetensors"
    turned = torch.arange(6.0).reshape(2, 3).t()
    tensors = {"step": torch.tensor(7.0), "count": torch.tensor([1, 2]), "turned": turned, "empty": torch.zeros(0, 3)}
    metadata = {"step": 7, "learning_rate": 0.1, "seen": [1, 2], "name": "sgd"}
    save_tensors(path, tensors, metadata)
    loaded, got = load_tensors(path)
    assert got == metadata
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name], tensor)
    altered = bytearray(path.read_bytes())
    altered[-1] ^= 1
    path.write_bytes(altered)
    with pytest.raises(TandemError, match="altered"):
        load_tensors(path)


def test_training_a_loaded_model_does_not_reach_its_file(tmp_path):
    path = tmp_path / "model.safetensors"
    _, net_id = saved(path)
    model = load_model(path, CONNECT4).model.train()
    model(torch.from_numpy(positions(CONNECT4, 4)))[0].square().sum().backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert model_net_id(model) != net_id
    assert load_model(path, CONNECT4).net_id == net_id
