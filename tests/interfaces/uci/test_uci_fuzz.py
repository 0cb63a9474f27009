"""Whatever lines come, in whatever order, the engine lives on and answers every `go`."""

import re

import chess
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interfaces.uci.limits import NUMBERS, WORDS
from tests.interfaces.uci.helpers import LIFELESS, MATE, MATED, ONE_MOVE, STALEMATE, Engine


@pytest.fixture(scope="module")
def shared():
    engine = Engine(seconds="0.05")
    yield engine
    engine.close()


NAMES = ["Hash", "MultiPV", "Move Overhead", "UCI_ShowWDL", "SyzygyPath", "Mode", "Simulations", "Model", "Nonsense"]
VALUES = st.one_of(
    st.integers(-5, 100).map(str), st.sampled_from(["true", "search", "hybrid", ""]), st.text(max_size=9)
)
TOKENS = st.one_of(
    st.sampled_from([*(name for name in NUMBERS if name != "perft"), *WORDS, "searchmoves", "e2e4", "a7a8q", "0000"]),
    st.integers(-50, 50).map(str),
    st.text(max_size=6),
)
MOVES = st.lists(
    st.sampled_from(["e2e4", "e7e5", "g1f3", "g8f6", "f3g1", "f6g8", "e1e2", "e2e9", "nonsense", "0000"]),
    max_size=9,
)
FENS = st.sampled_from(
    [text.removeprefix("fen ") for text in (MATE, MATED, STALEMATE, ONE_MOVE, LIFELESS)]
    + [
        "8/8/8/8/8/8/8/8 w - - 0 1",
        "4k3/8/8/8/8/8/8/4K3 w - - 0 1",
        "rnbqkbnr/pppppppp w - - x y",
        "k7/K7/8/8/8/8/8/8 w - -",
    ]
)
LINES = st.one_of(
    st.sampled_from(["uci", "isready", "ucinewgame", "stop", "ponderhit", "debug on", "go", "position", "setoption"]),
    st.text(max_size=30).filter(lambda text: "quit" not in text),
    st.builds("setoption name {} value {}".format, st.sampled_from(NAMES), VALUES),
    st.lists(TOKENS, max_size=8).map(lambda words: " ".join(["go", *words])),
    MOVES.map(lambda moves: "position startpos moves " + " ".join(moves)),
    st.builds(lambda fen, moves: f"position fen {fen} moves {' '.join(moves)}", FENS, MOVES),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_whatever_is_said_a_legal_move_comes_for_every_go(shared, lines):
    shared.tell("stop", "setoption name Mode value search", "position startpos")
    shared.ready()
    for line in lines:
        shared.tell(line)
    shared.tell("stop", "go perft 1")
    said = shared.until("\nNodes")
    moves = [line for line in said if line.startswith("bestmove")]
    asked = [line for line in lines if re.match(r"\s*go\b", line) and "perft" not in line]
    assert len(moves) >= len(asked)
    assert all(re.fullmatch(r"bestmove (0000|[a-h][1-8][a-h][1-8][qrbn]?)( ponder \S+)?", move) for move in moves)
    position = shared.uci._board.position
    board = chess.Board(position.game.to_text(position.state))
    move = shared.move("go nodes 3")
    assert (move == "0000" and not list(board.legal_moves)) or chess.Move.from_uci(move) in board.legal_moves
