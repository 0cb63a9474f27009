"""go perft: leaves by first move, against python-chess."""

import chess

from benchmarks.perft import theirs
from engine.position import Position
from games.loader import load
from interfaces.uci.perft import COMPILED_DEPTH, split

GAME = load("chess")
KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"


def test_by_first_move() -> None:
    board = chess.Board(KIWIPETE)
    found = split(Position.from_text(GAME, KIWIPETE), 2, lambda: False)
    assert sum(found.values()) == 2039
    for move in list(board.legal_moves):
        board.push(move)
        assert found.pop(move.uci()) == theirs(board, 1)
        board.pop()
    assert not found


def test_depths_beyond_what_is_counted_in_one_go() -> None:
    position = Position.from_text(GAME, "7k/8/8/p1p1p1p1/P1P1P1P1/8/8/K7 w - - 0 1")
    deep = COMPILED_DEPTH + 2
    assert sum(split(position, deep, lambda: False).values()) == theirs(chess.Board(GAME.to_text(position.state)), deep)
    assert position.ply == 0


def test_stop_is_heard() -> None:
    asked = iter([False] * 30 + [True] * 10**6)
    found = split(Position(GAME), 7, lambda: next(asked))
    assert len(found) < 20
    assert split(Position(GAME), 1, lambda: False) == dict.fromkeys((m.uci() for m in chess.Board().legal_moves), 1)
