"""play.py from its command line: what it refuses, what it says first, how it ends."""

import os
import subprocess

import pytest

import play
from engine.modes import MODES
from games.errors import TandemError
from interfaces.opening import open_session
from tests.interfaces.helpers import PATIENCE, command, run_play, tiny_net
from tests.selfplay.helpers import CHASE, write_game

REFUSED = [
    (["tictacto"], "unknown game 'tictacto': did you mean tictactoe?"),
    (["connect4:rows=x"], "rows='x' must be of type int"),
    (["tictactoe", "--mode", "serch"], "unknown mode 'serch': did you mean search?"),
    (["tictactoe", "--mode", "random"], "unknown mode 'random'"),
    (["tictactoe", "--mode", "exat"], "unknown mode 'exat': did you mean exact?"),
    (["tictactoe", "--mode", "exact:simulations=3"], "exact takes only seconds, seed, not simulations"),
    (["tictactoe", "--mode", "search:simulation=3"], "unknown option 'simulation': did you mean simulations?"),
    (["tictactoe", "--simulation", "3"], "unknown flag --simulation: did you mean --simulations?"),
    (["--frobnicate"], "unknown flag --frobnicate: --help lists the flags"),
    (["tictactoe", "connect4"], "unexpected 'connect4'"),
    (["--mode"], "--mode: expected one argument"),
    (["--run", "a", "--model", "b"], "--model: not allowed with argument --run"),
    (["--mode", "hybrid:model=a", "--run", "b"], "the net is named twice: give one of --run, --model and model=FILE"),
    (["--mode", "hybrid:model=a", "--model", "a"], "the net is named twice"),
    (["--model", "no/such.safetensors"], "no/such.safetensors: no such file"),
    (["--run", "no/such"], "no run folder at no/such"),
    (["--simulations", "0"], "simulations must be a whole number from 1"),
    (["--simulations", "1.5"], "simulations must be a whole number from 1"),
    (["--seconds", "0"], "seconds must be a number above 0"),
    (["--seconds", "nan"], "seconds must be a number above 0"),
    (["--seconds", "inf"], "seconds must be a number above 0"),
    (["--seed", "-1"], "seed must be a whole number from 0"),
    (["chess", "--mode", "hybrid:proof_nodes=9"], "proof_nodes: exact search cannot judge chess"),
    (["--mode", "search:proof_nodes=9"], "proof_nodes serve searches with a net"),
    (["--mode", "search:value_pruning=0.1"], "value_pruning goes by a net's values"),
    (["--side", "third"], "--side: invalid choice: 'third'"),
]


@pytest.mark.parametrize(("flags", "words"), REFUSED, ids=lambda value: " ".join(value) if value is list else None)
def test_bad_flags_are_refused_by_name(flags, words):
    with pytest.raises(TandemError) as refused:
        play.main(flags)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "flags",
    [
        ["no\ngame"],
        ["tictactoe", "--mode", "serch"],
        ["tictactoe", "--simulation", "3"],
        ["tictactoe", "--simulations", "0"],
        ["--model", "no/such.safetensors"],
        ["tictactoe", "--gtp", "--seconds", "0"],
    ],
    ids=" ".join,
)
def test_a_refusal_is_one_line_on_stderr_and_code_2(flags):
    done = run_play(*flags, typed="/quit\n")
    assert (done.code, done.out) == (2, "")
    assert done.errors.startswith("error: ")
    assert done.errors.count("\n") == 1


def damaged(model, how):
    data = bytearray(model.read_bytes())
    if how == "truncated":
        data = data[:-20]
    elif how == "altered":
        data[-5] ^= 1
    else:
        data = bytearray(b"no model at all")
    model.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "altered", "foreign"])
def test_a_broken_model_is_refused_before_the_first_board(how, tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    damaged(model, how)
    done = run_play("tictactoe", "--model", model, typed="/quit\n")
    assert (done.code, done.out) == (2, "")
    assert str(model) in done.errors
    assert done.errors.count("\n") == 1


def test_a_model_of_another_game_is_refused_and_names_its_own(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors", "tictactoe")
    with pytest.raises(TandemError, match="made for tictactoe, not connect4"):
        open_session("connect4", None, model=model)
    opened, line = open_session(None, None, model=model)
    assert opened.game.name == "tictactoe"
    assert line.startswith("tictactoe, net ")


def test_the_first_line_names_game_net_card_and_mode(tmp_path):
    model = tiny_net(
        tmp_path / "net.safetensors", card={"minutes": 15, "positions": 1234567, "steps": 9, "commit": "c"}
    )
    opened, line = open_session("tictactoe", None, model=model, simulations="50")
    net_id = line.removeprefix("tictactoe, net ").split()[0]
    assert len(net_id) == 12
    assert line == (
        f"tictactoe, net {net_id} ({model}, mlp:16, 15 minutes, 1,234,567 positions), "
        "mode hybrid, 50 simulations a move"
    )
    assert opened.mode == "hybrid"


def test_the_mode_may_name_the_net(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    opened, _ = open_session(None, f"net:model={model}")
    assert (opened.game.name, opened.mode, opened.model) == ("tictactoe", "net", model)


def test_a_run_folder_plays_its_newest_net(tmp_path):
    tiny_net(tmp_path / "model.safetensors")
    assert open_session("tictactoe", "net", run=str(tmp_path))[0].mode == "net"
    assert open_session("tictactoe", f"net:model={tmp_path}")[0].model == tmp_path / "model.safetensors"


def test_without_a_net_mode_search_steps_in_and_says_so(monkeypatch):
    monkeypatch.setattr("interfaces.opening.shipped_model", lambda game: None)
    opened, line = open_session("tictactoe", None)
    assert opened.mode == "search"
    assert "no net" in line
    assert "train.py tictactoe" in line
    assert opened.modes == ["search", "exact"]
    with pytest.raises(TandemError, match="mode hybrid needs a net"):
        open_session("tictactoe", "hybrid")


def test_mode_takes_options_and_flags_override_them():
    opened, _ = open_session("tictactoe", "search:simulations=7,c_puct=2", seed="3")
    assert (opened.spec.simulations, opened.spec.seconds, opened.spec.c_puct, opened.spec.seed) == (7, None, 2, 3)
    opened, _ = open_session("tictactoe", "search:simulations=7", simulations="8")
    assert opened.spec.simulations == 8


def test_the_solver_opens_with_the_flags_that_later_modes_go_by(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    opened, line = open_session("tictactoe", "exact:seed=4", model=model, seconds="20", simulations="9")
    assert line.endswith("mode exact, 20 s a move")
    assert opened.think().proven == 0
    opened.set_mode("hybrid")
    assert (opened.spec.kind, opened.spec.seed, opened.spec.simulations, opened.spec.seconds) == ("hybrid", 4, 9, 20)
    assert opened.modes == [*MODES, "exact"]


def test_the_solver_is_not_offered_where_positions_repeat(tmp_path):
    chase = write_game(tmp_path, "chase", CHASE)
    opened, _ = open_session(chase, "search")
    assert opened.modes == ["search"]
    assert opened.truth(bool) == {}
    with pytest.raises(TandemError, match="may repeat positions, and mode exact solves no such game"):
        opened.set_mode("exact")
    assert opened.mode == "search"


def test_one_seed_repeats_a_counted_game():
    def moves(seed):
        opened, _ = open_session("connect4", "search:simulations=30", seed=seed)
        for _ in range(12):
            opened.position.play(opened.think().action)
        return opened.position.moves_text()

    assert moves("1") == moves("1")
    assert len({tuple(moves(str(seed))) for seed in range(5)}) > 1


def test_help_fits_on_one_screen():
    done = run_play("--help", env={**os.environ, "COLUMNS": "100"})
    assert done.code == 0
    assert done.out.count("\n") <= 40
    assert max(map(len, done.out.splitlines())) <= 100
    assert "python play.py chess --level 3" in done.out


def test_compiling_is_announced_once_and_only_when_needed(tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    flags = ["tictactoe", "--mode", "search", "--gtp"]
    cold, warm = (run_play(*flags, typed="name\n", env=env) for _ in range(2))
    assert (cold.compiled, warm.compiled) == (True, False)
    assert cold.out == warm.out == "= Tandem\n\n"


def test_a_reader_that_leaves_early_is_no_error():
    pipe = subprocess.PIPE
    flags = command("tictactoe", "--mode", "search", "--gtp")
    process = subprocess.Popen(flags, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    process.stdout.close()
    process.stdin.write("name\n" * 3)
    process.stdin.close()
    assert process.wait(PATIENCE) == 141
    assert "Traceback" not in (errors := process.stderr.read())
    assert "Broken" not in errors
