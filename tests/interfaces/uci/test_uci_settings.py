"""What the command line and `setoption` say of the engine: what takes effect, and what is refused."""

import chess
import pytest

from players.player import EnginePlayer
from tests.interfaces.helpers import tiny_net
from tests.interfaces.uci.helpers import Engine, best


def test_the_command_line_counts_until_options_are_set():
    engine = Engine(mode="search:threads=3,c_puct=0.6", simulations="40")
    assert best(engine.go("go", "startpos"))["nodes"] == "40"
    settings = engine.uci._session.player.search.settings
    assert (settings.threads, settings.memory, settings.c_puct) == (3, 256 << 20, 0.6)
    engine.tell("setoption name Threads value 1", "setoption name Model value /no/such")
    assert len(engine.ready()) == 1
    assert engine.uci._session.player.search.settings.threads == 3, "with the model all that came with it is refused"
    engine.close()


def test_threads_hash_and_mode_take_effect():
    engine = Engine(mode="search:c_puct=0.7")
    engine.tell("setoption name Threads value 2", "setoption name Hash value 16", "position startpos")
    assert engine.move("go nodes 500")
    search = engine.uci._session.player.search
    assert (search.settings.threads, search.settings.memory, search.settings.c_puct) == (2, 16 << 20, 0.7)
    assert all(tree.nodes[0, 0]["visits"] > 100 for tree in search.trees)
    moves = engine.go("go nodes 500 searchmoves a2a3 b2b3")
    assert moves[-1].split()[1] in ("a2a3", "b2b3")
    engine.close()


def test_a_net_plays_by_every_mode(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors", "chess")
    engine = Engine(model=str(model))
    board = chess.Board()
    for mode in ("best", "net", "value", "hybrid", "auto", "search"):
        engine.tell(f"setoption name Mode value {mode}")
        for go in ("go nodes 20", "go movetime 30", "go nodes 20 searchmoves a2a3 h2h4", "go wtime 500 btime 500"):
            lines = engine.go(go, "startpos")
            assert chess.Move.from_uci(lines[-1].split()[1]) in board.legal_moves
            assert "searchmoves" not in go or lines[-1].split()[1] in ("a2a3", "h2h4")
            assert best(lines)["score"]
        assert engine.uci._session.mode == ("hybrid" if mode == "best" else mode)
    engine.tell("setoption name Mode value best", f"setoption name Model value {model}", "position startpos")
    assert engine.move("go nodes 5")
    engine.close()


@pytest.mark.parametrize(("flags", "words"), [({"mode": "hybrid"}, "needs a net"), ({"model": "/no/such"}, "/no/such")])
def test_a_command_line_that_cannot_be_had_ends_it(flags, words, monkeypatch):
    monkeypatch.setattr("interfaces.opening.shipped_model", lambda game: None)
    engine = Engine(**flags)
    engine.tell("uci", "isready")
    engine.until("failed")
    assert words in str(engine.failure)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("Model value /no/such.safetensors", "/no/such.safetensors"),
        ("Mode value hybrid", "mode hybrid needs a net"),
        ("Hash value 65536", "Hash: there is no memory for a tree of 65536 MB; set it lower"),
    ],
)
def test_options_that_cannot_be_had_leave_the_command_line_s(option, words, monkeypatch):
    def player(game, spec, *args, **kwargs):
        if spec.memory == 65536:  # which some machines have
            raise MemoryError("Unable to allocate 64.0 GiB for an array")
        return EnginePlayer(game, spec, *args, **kwargs)

    monkeypatch.setattr("interfaces.session.EnginePlayer", player)
    monkeypatch.setattr("interfaces.opening.shipped_model", lambda game: None)
    engine = Engine(mode="search:c_puct=0.6", simulations="40")
    engine.tell("uci", f"setoption name {option}", "isready")
    engine.until("uciok")
    (line, _) = engine.until("readyok")
    assert line.startswith("info string ")
    assert words in line
    assert best(engine.go("go", "startpos"))["nodes"] == "40"
    assert engine.uci._session.player.search.settings.c_puct == 0.6
    assert engine.uci.options.engine() == {}
    engine.close()
