"""An exported net gives onnxruntime the numbers that torch gives, and says what it is."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from nets.checkpoint import LoadedModel, load_model, model_net_id, save_model
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.export import INSTALL, TOLERANCE, difference, main, random_positions, to_onnx
from nets.kernelnet import load_kernel_net
from nets.models import game_named
from tests.nets.helpers import lived_in, outputs


def loaded(text, game):
    return LoadedModel(lived_in(text, game), NetConfig.parse(text), "0" * 12, {"steps": 7}, Path("a.safetensors"))


# A flat policy, a map over the cells, and a map with a logit besides.
@pytest.mark.parametrize(
    ("text", "spec"), [("mlp:32-16", "connect4"), ("resnet:2x8", "breakthrough"), ("resnet:1x8", "othello")]
)
def test_onnxruntime_gives_the_same_numbers_at_every_batch_size(text, spec):
    game = load(spec)
    model = loaded(text, game)
    session = onnxruntime.InferenceSession(to_onnx(model, game), providers=["CPUExecutionProvider"])
    assert [(x.name, x.shape, x.type) for x in session.get_inputs()] == [
        ("planes", ["n", *game.planes], "tensor(float)")
    ]
    for count in (1, 2, 77):
        planes = random_positions(game, count, seed=count)
        logits, wdl = outputs(TorchEvaluator(model.model, precision="f32", device="cpu"), planes, game.logits)
        found = session.run(["policy", "wdl"], {"planes": planes})
        np.testing.assert_allclose(found[0], logits, TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(found[1], wdl, TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(found[1].sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("spec", ["connect4", "chess"])
def test_of_a_sparse_net_onnxruntime_reads_the_list_of_features(spec):
    game = load(spec)
    model = loaded("sparse:32-16", game)
    with torch.no_grad():
        model.model.inputs.rows.weight[-1] = 7  # of the end of a list, which says nothing
    proto = to_onnx(model, game)
    session = onnxruntime.InferenceSession(proto, providers=["CPUExecutionProvider"])
    assert [(x.name, x.shape, x.type) for x in session.get_inputs()] == [
        ("features", ["n", game.max_active], "tensor(int64)")
    ]
    for count in (1, 77):
        planes = random_positions(game.listed, count, seed=count)
        logits, wdl = outputs(TorchEvaluator(model.model, precision="f32", device="cpu"), planes, game.listed.logits)
        found = session.run(["policy", "wdl"], {"features": planes.reshape(count, -1).astype(np.int64)})
        np.testing.assert_allclose(found[0], logits, TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(found[1], wdl, TOLERANCE, TOLERANCE)


def test_a_sparse_net_says_which_logits_are_a_moves(tmp_path):
    game, out = load("chess"), tmp_path / "chess.onnx"
    assert main(["models/chess.safetensors", str(out)]) == 0
    said = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert json.loads(said["features"]) == {"MAX_ACTIVE": game.max_active, "FEATURES": game.feature_count}
    assert f"hold {game.feature_count}, not 0" in said["input"]
    assert "planes" not in said and int(said["logits"]) == game.listed.logits
    moves, position = json.loads(said["start_moves"]), Position(game)
    assert {game.format_action(position.state, a) for a in position.legal()} == set(moves)
    planes = np.zeros((1, *game.listed.planes), np.float32)
    rules(game.listed).encode(position.state, planes)
    policy, wdl = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"]).run(
        ["policy", "wdl"], {"features": planes.reshape(1, -1).astype(np.int64)}
    )
    weights = {move: np.exp(policy[0, terms].sum()) for move, terms in moves.items()}
    net = load_kernel_net(Path("models/chess.safetensors"), game)
    said_by_search = Search(game, Settings("hybrid", leaves=1, memory=8 << 20), net).run(position, simulations=1)
    for action, prior in zip(said_by_search.actions, said_by_search.prior, strict=True):
        move = game.format_action(position.state, int(action))
        assert abs(weights[move] / sum(weights.values()) - prior) < 1e-4
    assert abs(wdl.sum() - 1) < 1e-6


def test_the_command_writes_a_sound_file_that_says_what_it_is(tmp_path, capsys):
    out = tmp_path / "out.onnx"
    assert main(["models/tictactoe.safetensors", str(out)]) == 0
    assert "onnxruntime differs by at most" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["out.onnx"]
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    game = load("tictactoe")
    assert (said["game"], said["rules_id"], said["planes"], said["logits"], said["net"]) == (
        "tictactoe", game.rules_id, "[2, 3, 3]", "9", "mlp:128-64",
    )  # fmt: skip
    assert said["wdl"] == "probabilities of win, draw and loss for the player to move"
    assert json.loads(said["start_moves"]) == {f"{column}{row + 1}": 3 * row + i for row in range(3)
                                               for i, column in enumerate("abc")}  # fmt: skip
    assert json.loads(said["card"])["minutes"] > 0
    assert str(Path.cwd()).encode() not in out.read_bytes()


def test_an_export_of_other_weights_is_refused():
    game = load("tictactoe")
    one, other = loaded("mlp:8", game), loaded("mlp:16", game)
    with pytest.raises(TandemError, match="other numbers"):
        difference(to_onnx(one, game), other, random_positions(game, 4))


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["none.safetensors", "OUT"], "none.safetensors: no such file"),
        (["README.md", "OUT"], "README.md: truncated, altered or not a safetensors file"),
        (["models", "OUT"], "models has no model.safetensors yet"),
        (["models/tictactoe.safetensors", "none/out.onnx"], "there is no folder none"),
        (["models/tictactoe.safetensors", "OUT", "--game", "connect4"], "made for tictactoe, not connect4"),
        (["models/tictactoe.safetensors", "OUT", "--games", "x"], "did you mean --game"),
    ],
)
def test_bad_input_is_one_line_and_no_file(tmp_path, words, refusal):
    with pytest.raises(TandemError, match=refusal):
        main([str(tmp_path / "out.onnx") if word == "OUT" else word for word in words])
    assert not list(tmp_path.iterdir())


def test_what_a_strangers_model_names_is_never_run(tmp_path):
    ran = tmp_path / "ran"
    (tmp_path / "game.py").write_text(f"open({str(ran)!r}, 'w')")
    game, path = load("tictactoe"), tmp_path / "model.safetensors"
    alien = type("", (), {**vars(game), "spec": str(tmp_path / "game.py"), "rules_id": "alien"})
    save_model(path, lived_in("mlp:4", game), NetConfig.parse("mlp:4"), alien, {})
    with pytest.raises(TandemError, match="name the game's file with --game"):
        main([str(path), str(tmp_path / "out.onnx")])
    assert not ran.exists()
    assert game_named("hex:size=5").spec == "hex:size=5"
    assert game_named("lost.py", "tictactoe").name == "tictactoe"


def test_without_the_extra_the_line_says_what_to_install(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    with pytest.raises(TandemError) as caught:
        main(["models/tictactoe.safetensors", str(tmp_path / "out.onnx")])
    assert str(caught.value) == f"ONNX export needs onnxruntime; install with: {INSTALL}"


@pytest.mark.parametrize("text", ["mlp:24-12", "resnet:1x8", "sparse:24-12"])
def test_a_model_of_half_the_size_plays_as_the_whole_one(text, tmp_path):
    game, config = load("tictactoe"), NetConfig.parse(text)
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_model(whole, lived_in(text, game), config, game, {"minutes": 3})
    assert main([str(whole), str(half)]) == 0
    assert half.stat().st_size < 0.75 * whole.stat().st_size
    one, other = load_model(whole, game), load_model(half, game)
    assert other.net_id == model_net_id(other.model) != one.net_id
    assert other.card == {"minutes": 3, "rounded_from": one.net_id}
    planes = torch.from_numpy(random_positions(config.inputs(game), 50))
    with torch.inference_mode():
        for a, b in zip(one.model(planes), other.model(planes), strict=True):
            assert 0 < (a - b).abs().max() < 0.05 * a.abs().max()
    assert other.model.state_dict()[next(iter(other.model.state_dict()))].dtype == torch.float32


def test_a_policy_of_another_temperature(tmp_path):
    game, config = load("tictactoe"), NetConfig.parse("mlp:24-12")
    whole, warm = tmp_path / "whole.safetensors", tmp_path / "warm.safetensors"
    save_model(whole, lived_in("mlp:24-12", game), config, game, {})
    assert main([str(whole), str(warm), "--prior-temperature", "2"]) == 0
    planes = torch.from_numpy(random_positions(game, 20))
    with torch.inference_mode():
        (policy, wdl), (half, same) = (load_model(path, game).model(planes) for path in (whole, warm))
    torch.testing.assert_close(half, policy / 2, rtol=0.02, atol=0.02)
    torch.testing.assert_close(same, wdl, rtol=0.02, atol=0.02)
    for words in (["x.onnx", "--prior-temperature", "2"], ["x.safetensors", "--prior-temperature", "0"]):
        with pytest.raises(TandemError, match="above 0 and below 100"):
            main([str(whole), *words])


def test_weights_that_float16_does_not_hold_are_refused(tmp_path):
    game, config = load("connect4"), NetConfig.parse("mlp:8")
    model = lived_in("mlp:8", game)
    with torch.no_grad():
        model.heads.bias[0] = 1e6
    save_model(tmp_path / "whole.safetensors", model, config, game, {})
    with pytest.raises(TandemError, match="float16 does not hold"):
        main([str(tmp_path / "whole.safetensors"), str(tmp_path / "half.safetensors")])
    assert not (tmp_path / "half.safetensors").exists()
