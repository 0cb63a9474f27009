import time
from pathlib import Path

import pytest

import nets.models
from engine.perceptron import KernelNet
from engine.position import Position
from games.errors import TandemError
from games.loader import load
from nets.models import run_model, shipped_model
from players import evaluators
from players.match import Table
from players.player import (
    DEFAULT_SIMULATIONS,
    EnginePlayer,
    ExactPlayer,
    RandomPlayer,
    make_player,
    needs_net,
    needs_torch,
)
from players.spec import parse_spec
from tests.players.helpers import untrained
from tests.selfplay.helpers import CHASE, write_game

GAME = load("tictactoe")


def engine(spec: str, **options: object) -> EnginePlayer:
    player = make_player(GAME, spec, **options)  # type: ignore[arg-type]
    assert isinstance(player, EnginePlayer)
    return player


@pytest.mark.parametrize(("name", "least"), [("tictactoe", 0.9), ("connect4", 0.98)])
def test_search_beats_random(name: str, least: float) -> None:
    table = Table(load(name), (parse_spec("search:simulations=400"), parse_spec("random")), 1, 60)
    pairs = [table.play_pair(number, []) for number in range(25)]
    assert sum(pair.score for pair in pairs if pair) / 25 >= least


def test_random_moves_are_legal_seeded_and_varied() -> None:
    def line(seed: int) -> list[int]:
        player, position = make_player(GAME, "random", seed=seed), Position(GAME)
        while not position.ended:
            position.play(player.choose(position).action)
        return position.actions

    assert line(1) == line(1)
    assert len({tuple(line(seed)) for seed in range(20)}) > 15
    first = RandomPlayer(seed=3)
    assert {first.choose(Position(GAME)).action for _ in range(200)} == set(range(9))
    assert first.choose(Position(GAME)).result is None


def test_seed_of_the_spec_comes_first() -> None:
    assert engine("search:seed=5", seed=1).search.settings.seed == 5
    assert engine("search", seed=1).search.settings.seed == 1


def test_options_reach_the_search() -> None:
    spec = "search:c_puct=2.5,temperature=0.5,threads=2,leaves=3,draw_value=0.25,threshold=0.1"
    player = engine(spec)
    settings = player.search.settings
    assert (settings.c_puct, settings.temperature, settings.threads, settings.leaves) == (2.5, 0.5, 2, 3)
    assert (settings.draw_value, settings.threshold, settings.mode) == (0.25, 0.1, "search")
    assert player.name == str(parse_spec(spec))
    player.close()


def test_budget_by_default_counted_or_clocked() -> None:
    position = Position(GAME)
    for spec, count in (("search", DEFAULT_SIMULATIONS), ("search:simulations=17", 17)):
        player = engine(spec)
        player.search.options["early_stop"] = False
        found = player.choose(position).result
        assert found is not None
        assert found.simulations == count
    clocked = engine("search:seconds=0.02")
    clocked.search.options["early_stop"] = clocked.search.options["solve"] = False
    found = clocked.choose(position).result
    assert found is not None
    assert found.simulations > DEFAULT_SIMULATIONS


def test_tree_is_kept_within_a_game_and_dropped_between_games() -> None:
    player, position = engine("search:simulations=300"), Position(GAME)
    position.play(player.choose(position).action)
    position.play(position.legal()[0])
    player.search.start(position)
    kept = int(player.search.trees[0].nodes[0, 0]["visits"])
    assert kept > 0
    player.new_game()
    player.search.start(position)
    assert int(player.search.trees[0].nodes[0, 0]["visits"]) == 0


def test_the_solver_never_loses_and_takes_the_soonest_win() -> None:
    table = Table(GAME, (parse_spec("exact"), parse_spec("random")), 1, 60)
    pairs = [table.play_pair(number, []) for number in range(10)]
    assert all(outcome >= 0 for pair in pairs if pair for outcome in pair.outcomes)
    assert sum(pair.score for pair in pairs if pair) > 7.5
    player = make_player(GAME, "exact:seed=3")
    assert isinstance(player, ExactPlayer)
    # x can win at once with c1; many other moves win later.
    found = player.choose(Position.from_moves(GAME, ["a1", "a2", "b1", "b3"]))
    assert found.action == 2
    assert found.result is not None
    assert (found.result.proven, found.result.plies, found.result.move) == (1, 1, "c1")
    assert not needs_net(GAME, parse_spec("exact"))


def test_the_solver_chooses_among_equal_moves_by_seed_and_keeps_to_its_time() -> None:
    def chosen(seed: int) -> int:
        return make_player(GAME, f"exact:seed={seed}").choose(Position(GAME)).action

    assert chosen(1) == chosen(1)
    assert len({chosen(seed) for seed in range(8)}) > 1
    large = load("connect4")
    player = make_player(large, "exact:seconds=0.05")
    player.choose(Position(large))  # compiles
    began = time.monotonic()
    found = player.choose(Position(large)).result
    assert time.monotonic() - began < 2
    assert found is not None
    assert (found.proven is None) == (found.value_text() == "unknown")


def test_the_solver_refuses_games_that_repeat(tmp_path: Path) -> None:
    with pytest.raises(TandemError, match="repeat"):
        make_player(load(write_game(tmp_path, "chase", CHASE)), "exact")


def test_finished_games_are_refused() -> None:
    over = Position.from_moves(GAME, ["a1", "b1", "a2", "b2", "a3"])
    for spec in ("search", "random", "exact"):
        with pytest.raises(TandemError, match="the game is over"):
            make_player(GAME, spec).choose(over)


@pytest.mark.parametrize("backend", ["kernel", "torch"])
def test_players_of_one_file_share_one_load(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = untrained(GAME, tmp_path / "model.safetensors")
    first = engine(f"hybrid:model={path},backend={backend}")
    # A second load would fail now.
    monkeypatch.setattr("nets.checkpoint.load_model", None)
    monkeypatch.setattr("players.evaluators.load_kernel_net", None)
    other = engine(f"net:backend={backend}", model=tmp_path)
    assert other.model == path
    assert other.net_id == first.net_id
    assert (other.search.evaluator is first.search.evaluator) is (backend == "kernel")  # which holds no state


@pytest.mark.parametrize(
    ("net", "options", "kernel"),
    [
        ("mlp:16", "", True),
        ("mlp:16", "backend=auto", True),
        ("mlp:16", "backend=kernel,leaves=1", True),
        ("mlp:16", "backend=torch", False),
        ("mlp:16", "leaves=4", False),
        ("resnet:1x4", "", False),
        ("resnet:1x4", "backend=torch", False),
    ],
)
def test_what_evaluates(net: str, options: str, kernel: bool, tmp_path: Path) -> None:
    path = untrained(GAME, tmp_path / "model.safetensors", net)
    spec = parse_spec(f"hybrid:model={path}" + (f",{options}" if options else ""))
    player = make_player(GAME, spec)
    assert isinstance(player, EnginePlayer)
    assert isinstance(player.search.evaluator, KernelNet) is kernel
    assert needs_torch(GAME, spec) is not kernel
    assert player.choose(Position(GAME)).action in range(9)


@pytest.mark.parametrize(
    ("net", "options", "words"),
    [
        ("resnet:1x4", "backend=kernel", "a resnet:1x4 net runs in torch only; use backend=torch"),
        ("mlp:16", "backend=kernel,leaves=4", "backend=kernel evaluates one leaf at a time; leave leaves out"),
    ],
)
def test_kernel_nets_that_cannot_be_had(net: str, options: str, words: str, tmp_path: Path) -> None:
    path = untrained(GAME, tmp_path / "model.safetensors", net)
    with pytest.raises(TandemError, match=words) as caught:
        make_player(GAME, f"hybrid:model={path},{options}")
    assert "\n" not in str(caught.value)
    assert isinstance(make_player(GAME, f"search:model={path},{options}"), EnginePlayer)


def test_changed_file_is_loaded_again_and_few_are_kept(tmp_path: Path) -> None:
    path = untrained(GAME, tmp_path / "a.safetensors")
    before = engine("net", model=path).net_id
    untrained(GAME, path, seed=1)
    assert engine("net", model=path).net_id != before
    for seed in range(evaluators.KEPT + 2):
        engine(f"net:model={untrained(GAME, tmp_path / f'{seed}.safetensors', seed=seed)}")
    assert len(evaluators._loaded) == evaluators.KEPT


def test_models_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nets.models, "FOLDER", tmp_path / "models")
    with pytest.raises(TandemError, match="no net ships for tictactoe: name one with model=FILE"):
        make_player(GAME, "hybrid")
    with pytest.raises(TandemError, match="no such file"):
        make_player(GAME, "hybrid:model=nowhere.safetensors")
    with pytest.raises(TandemError, match=r"has no model\.safetensors yet"):
        make_player(GAME, "hybrid", model=tmp_path)
    other = untrained(load("connect4"), tmp_path / "c4.safetensors")
    with pytest.raises(TandemError, match="made for connect4, not tictactoe"):
        make_player(GAME, f"hybrid:model={other}")
    assert isinstance(make_player(GAME, "search"), EnginePlayer)


def test_shipped_and_run_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nets.models, "FOLDER", tmp_path)
    assert shipped_model(GAME) is None
    path = untrained(GAME, tmp_path / "tictactoe.safetensors")
    assert shipped_model(GAME) == path
    assert engine("value").model == path
    assert nets.models.shipped_path(load("connect4:rows=5,columns=8")).name == "connect4-columns=8-rows=5.safetensors"
    with pytest.raises(TandemError, match="no run folder"):
        run_model(tmp_path / "nowhere")
    (tmp_path / "model.safetensors").touch()
    assert run_model(tmp_path) == tmp_path / "model.safetensors"
