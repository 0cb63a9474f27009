"""The conversation: what is answered, when, and that whatever is said, a legal move comes when one is asked for."""

import re

import chess
import pytest

from interfaces.tablebase import SHIPPED
from interfaces.uci.perft import MOST_DEPTH
from tests.interfaces.uci.helpers import LIFELESS, MATE, MATED, ONE_MOVE, STALEMATE, Engine, best, fields

MATE_IN_2 = "fen 1k3b1r/2pQ2pp/2B2p2/p7/8/2P5/1P2PP1P/RNB1K1NR w KQ - 1 17"
CROWDED = "fen r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
SHUFFLE = "startpos moves " + "g1f3 g8f6 f3g1 f6g8 " * 3


@pytest.fixture(scope="module")
def shared():
    engine = Engine(seconds="0.05")
    yield engine
    engine.close()


@pytest.fixture
def engine(shared):
    """The same one, as new but for what is compiled."""
    shared.tell("stop", "setoption name MultiPV value 1", "setoption name UCI_ShowWDL value false")
    shared.tell(
        "setoption name SyzygyPath value <empty>",
        "setoption name Simulations value 0",
        "setoption name Mode value best",
    )
    shared.tell("ucinewgame", "position startpos")
    shared.ready()
    return shared


def test_uci_and_isready(engine):
    engine.tell("uci")
    lines = engine.until("uciok")
    assert lines[0].startswith("id name Tandem")
    assert lines[1].startswith("id author ")
    assert all(re.fullmatch(r"option name .+ type (spin|check|string|combo) default .+", line) for line in lines[2:-1])
    assert engine.ready() == []


@pytest.mark.parametrize(
    "go",
    ["go", "go nodes 30", "go depth 5", "go movetime 40", "go wtime 400 btime 400", "go wtime 90 btime 90 movestogo 1",
     "go wtime 1 btime 1", "go wtime -10 btime -10 winc 5 binc 5", "go btime 500", "go wtime 500 winc 9",
     "go nodes 30 depth 3 movetime 50",
     "go movestogo 3", "go nodes 0", "go speed 3 nodes 10"],
)  # fmt: skip
def test_a_search_ends_with_its_score_and_a_legal_move(engine, go):
    lines = engine.go(go, "startpos moves e2e4")
    board = chess.Board()
    board.push_uci("e2e4")
    _, move, *ponder = lines[-1].split()
    board.push_uci(move)
    if ponder:
        assert ponder[0] == "ponder"
        board.push_uci(ponder[1])
    last = best(lines)
    assert last["pv"].split()[0] == move
    assert re.fullmatch(r"cp -?\d+", last["score"])
    assert {"depth", "nodes", "nps", "time", "pv"} <= last.keys()


def test_counted_searches_take_what_they_are_told(engine):
    assert best(engine.go("go nodes 300"))["nodes"] == "300"
    assert best(engine.go("go depth 8"))["nodes"] == "256"
    engine.tell("setoption name Simulations value 20")
    for go in ("go nodes 300", "go wtime 100000 btime 100000"):
        engine.tell("ucinewgame")
        assert best(engine.go(go))["nodes"] == "20"


@pytest.mark.parametrize(
    "go", ["go infinite", "go infinite nodes 5", "go ponder nodes 5", "go ponder wtime 50 btime 50"]
)
@pytest.mark.parametrize("position", ["startpos", MATE, MATED, ONE_MOVE])
def test_infinite_and_ponder_wait_for_stop(engine, go, position):
    engine.tell(f"position {position}", go)
    assert engine.silent()
    engine.tell("isready")
    assert engine.until("readyok")[-1] == "readyok"
    assert engine.silent()
    engine.tell("stop")
    move = engine.until("bestmove")[-1].split()[1]
    assert (move == "0000") == (position == MATED)


def test_ponderhit_starts_the_clock(engine):
    engine.tell("position startpos moves e2e4 e7e5", "go ponder wtime 1000 btime 1000")
    assert engine.silent()
    engine.tell("ponderhit")
    assert engine.until("bestmove")
    engine.tell("go ponder infinite", "ponderhit")
    assert engine.silent()
    engine.tell("stop")
    assert engine.until("bestmove")
    engine.tell("go ponder nodes 40")
    assert engine.silent()
    engine.tell("ponderhit")
    assert best(engine.until("bestmove"))["nodes"] == "40"


def test_a_second_go_ends_the_first(engine):
    engine.tell("position startpos", "go infinite", f"position {MATE}", "go nodes 100")
    assert chess.Move.from_uci(engine.until("bestmove")[-1].split()[1]) in chess.Board().legal_moves
    assert engine.until("bestmove")[-1] == "bestmove a1a8"


def test_mates_are_scored_in_moves(engine):
    assert best(engine.go("go nodes 400", MATE))["score"] == "mate 1"
    lines = engine.go("go mate 2", MATE_IN_2)
    assert best(lines)["score"] == "mate 2"
    move = lines[-1].split()[1]
    board = chess.Board(MATE_IN_2.removeprefix("fen "))
    board.push_uci(move)
    for reply in board.legal_moves:
        line = best(engine.go("go nodes 20", f"{MATE_IN_2} moves {move} {reply.uci()}"))
        assert line["score"] == "mate 1", "the search mates as soon as it can"
    lines = engine.go("go nodes 100", MATED)
    assert lines == ["info depth 0 score mate 0", "bestmove 0000"]
    assert engine.go("go nodes 100", STALEMATE) == ["info depth 0 score cp 0", "bestmove 0000"]
    lost = best(engine.go("go nodes 3000", f"{MATE_IN_2} moves a1a5"))["score"]
    assert lost == "mate -1"


def test_unclaimed_draws_are_played_on(engine):
    for position in (SHUFFLE, "fen 7k/8/8/8/8/6K1/8/R7 w - - 120 200", LIFELESS):
        board = chess.Board()
        if position.startswith("fen"):
            board = chess.Board(position[4:])
        assert chess.Move.from_uci(engine.move("go nodes 200", position)) in board.legal_moves


def test_a_repetition_of_the_game_is_a_draw_in_the_search(engine):
    """Black is a queen ahead, but one move brings the first position about for the third time."""
    once = "fen rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNB1KBNR w KQkq - 0 1 moves g1f3 g8f6 f3g1"
    assert int(best(engine.go("go nodes 400 searchmoves f6g8", once))["score"].split()[1]) > 300
    twice = f"{once} f6g8 g1f3 g8f6 f3g1"
    assert best(engine.go("go nodes 400 searchmoves f6g8", twice))["score"] == "cp 0"
    assert engine.move("go nodes 400", twice) != "f6g8"


def test_searchmoves(engine):
    assert engine.move("go nodes 300 searchmoves a2a3 h2h4", "startpos") in ("a2a3", "h2h4")
    lines = engine.go("go nodes 400 searchmoves h2h3 g1f1", MATE)
    assert lines[-1].split()[1] in ("h2h3", "g1f1")
    assert engine.move("go nodes 300", MATE) == "a1a8"
    lines = engine.go("go nodes 30 searchmoves e2e5 xyz", "startpos")
    assert "info string none of the searchmoves is legal; all moves are searched" in lines


def test_multipv(engine):
    engine.tell("setoption name MultiPV value 3")
    lines = engine.go("go nodes 500", CROWDED)[-4:-1]
    rows = [fields(line) for line in lines]
    assert [row["multipv"] for row in rows] == ["1", "2", "3"]
    assert len({row["pv"].split()[0] for row in rows}) == 3
    assert len([line for line in engine.go("go nodes 50", ONE_MOVE) if " multipv 2 " in line]) == 0
    lines = engine.go("go nodes 500 searchmoves e2a6 d5e6", CROWDED)[-3:-1]
    assert {fields(line)["pv"].split()[0] for line in lines} == {"e2a6", "d5e6"}


def test_wdl(engine):
    assert "wdl" not in best(engine.go("go nodes 50"))
    engine.tell("setoption name UCI_ShowWDL value true")
    assert sum(int(n) for n in best(engine.go("go nodes 50"))["wdl"].split()) == 1000
    assert best(engine.go("go nodes 400", MATE))["wdl"] == "1000 0 0"


def test_perft(engine):
    engine.tell("position startpos moves e2e4", "go perft 3")
    lines = engine.until("\nNodes")
    assert len(lines) == 21
    assert sum(int(line.split(": ")[1]) for line in lines[:-1]) == 13_160
    assert lines[-1] == "\nNodes searched: 13160\n"
    engine.tell("go perft 12", "stop")
    engine.until("\nNodes")


def test_the_tree_is_kept_along_the_game_and_forgotten_after_it(engine):
    def visits():
        return engine.uci._session.player.search.trees[0].nodes[0, 0]["visits"]

    lines = engine.go("go nodes 3000", "startpos moves e2e4")
    _, move, _, reply = lines[-1].split()
    engine.go("go nodes 10", f"startpos moves e2e4 {move} {reply}")
    assert visits() > 30
    engine.tell("ucinewgame")
    engine.go("go nodes 10", f"startpos moves e2e4 {move} {reply}")
    assert visits() <= 11


def test_tables_decide_what_is_searched(engine):
    assert engine.ready() == []
    for path, words in (("/nowhere/at/all", "cannot read"), ("tests", "no tables (.rtbw, .rtbz) in tests")):
        engine.tell(f"setoption name SyzygyPath value {path}")
        (line,) = engine.ready()
        assert line.startswith("info string SyzygyPath: ")
        assert words in line
    engine.tell(f"setoption name SyzygyPath value {SHIPPED}")
    assert engine.ready() == []
    lines = engine.go("go nodes 50", "fen 3k4/8/8/3K4/3P4/8/8/8 w - - 0 1")
    assert lines[-1].split()[1] in ("d5e6", "d5d6", "d5c6")
    assert (best(lines)["score"], best(lines)["tbhits"]) == ("cp 20000", "3")
    assert best(engine.go("go nodes 50", "fen 8/8/8/3k4/8/8/4QK2/8 w - - 0 1"))["score"] == "cp 20000"


def test_a_damaged_table_is_told_of_and_the_search_plays(engine, tmp_path):
    (tmp_path / "KQvKR.rtbw").write_bytes(b"no table at all")
    engine.tell(f"setoption name SyzygyPath value {tmp_path}")
    lines = engine.go("go nodes 50", "fen 7r/8/8/2k5/8/8/5K2/3Q4 w - - 0 1")
    assert len([line for line in lines if line.startswith("info string SyzygyPath: a damaged table")]) == 1
    assert best(lines)["nodes"] == "50"


@pytest.mark.parametrize(("piece", "most"), [("Q", 10), ("R", 16)])
def test_a_bare_king_is_mated(engine, piece, most):
    fen, moves = f"8/8/8/3k4/8/8/4{piece}K2/8 w - - 0 1", []
    board = chess.Board(fen)
    while not board.is_game_over(claim_draw=True):
        moves.append(engine.move("go nodes 300", f"fen {fen} moves {' '.join(moves)}"))
        board.push_uci(moves[-1])
    assert board.is_checkmate()
    assert not board.turn
    assert board.fullmove_number <= most


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("setoption name Hash value 0", "Hash must be a whole number from 1 to 65536"),
        ("setoption name Nothing value 1", "no option 'Nothing'"),
        ("setoption", "write setoption name NAME"),
        ("setoption name Model value /no/such.safetensors", "/no/such.safetensors"),
        ("position fen nonsense", "is no position"),
        ("position startpos moves e2e5", "illegal move e2e5"),
        ("position", "write position startpos"),
        ("go nodes many", "nodes takes a whole number, not 'many'"),
    ],
)
def test_refusals_are_one_line_and_change_nothing(engine, line, words):
    engine.tell(line, "stop")
    said = [text for text in engine.ready() if text.startswith("info string")]
    assert len(said) == 1
    assert words in said[0]
    assert chess.Move.from_uci(engine.move("go nodes 20")) in chess.Board().legal_moves


def test_unknown_words_are_passed_over(engine):
    engine.tell(
        "", "   ", "joho debug on", "hello world", "stop", "ponderhit", "register later", "\x00\x01", "xyz isready"
    )
    assert engine.until("readyok") == ["readyok"]
    assert engine.move("joho go nodes 20")


@pytest.mark.parametrize("go", ["go infinite", "go ponder", "go perft 12", "go wtime 900000 btime 900000"])
def test_quit_in_mid_search(go):
    engine = Engine()
    engine.ready()
    engine.tell("position startpos", go, "quit")
    engine.close()


@pytest.mark.parametrize("go", ["go movetime 2147483647", "go wtime 2147483647 btime 2147483647 movestogo 1"])
def test_times_beyond_what_a_search_may_take_are_searched(engine, go):
    engine.tell("position startpos", go)
    assert engine.silent(0.3)
    engine.tell("stop")
    assert not [line for line in engine.until("bestmove") if "failed" in line]


def test_perft_has_a_greatest_depth(engine):
    engine.tell(f"position {ONE_MOVE}", "go perft 100000", "stop")
    assert f"info string perft counts {MOST_DEPTH} plies at most" in engine.until("\nNodes")
    assert engine.ready() == []


def test_a_perft_that_fails_ends_nothing(engine, monkeypatch, capsys):
    monkeypatch.setattr("interfaces.uci.perft.split", lambda *_: 1 / 0)
    engine.tell("go perft 3")
    (line,) = engine.ready()
    assert line.startswith("info string perft failed: ZeroDivisionError")
    assert "Traceback" in capsys.readouterr().err
    assert engine.move("go nodes 20", "startpos")


def test_a_search_that_fails_still_moves(engine, monkeypatch, capsys):
    monkeypatch.setattr(engine.uci._session.player.search, "run", lambda *_, **__: 1 / 0)
    lines = engine.go("go nodes 20", "startpos")
    assert "ZeroDivisionError" in lines[-2]
    assert chess.Move.from_uci(lines[-1].split()[1]) in chess.Board().legal_moves
    assert "Traceback" in capsys.readouterr().err
