"""Chess's list of features against python-chess, position by position."""

import random

import chess
import numpy as np
import pytest

from games.chess_features import (
    ATTACKED,
    CASTLE,
    CHECK,
    CLOCK,
    FEATURES,
    GAIN,
    HANGING,
    MAX_ACTIVE,
    MINE,
    NO_KINGS,
    PASSING,
    PHASE,
    THEIRS,
    WORTH,
)  # fmt: skip
from games.loader import load
from games.rules import rules

GAME = load("chess")
FENS = (
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 b - - 99 80",
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8",
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
)
KINDS = (chess.PAWN, chess.KNIGHT, chess.BISHOP, chess.ROOK, chess.QUEEN, chess.KING)


def boards():
    rng = random.Random(3)
    for fen in FENS:
        yield chess.Board(fen)
    board = chess.Board()
    for _ in range(150):
        if board.is_game_over(claim_draw=False):
            board = chess.Board()
        board.push(rng.choice(list(board.legal_moves)))
        if not board.is_game_over():
            yield board.copy(stack=False)


def region(square):
    if square // 8 >= 2:
        return 3
    return 0 if square % 8 < 3 else 1 if square % 8 < 5 else 2


def expected(board):
    """Everything but what exchanges come to."""
    me = board.turn
    seen = (lambda q: q) if me else (lambda q: q ^ 56)
    found = set()
    mine = MINE + NO_KINGS * region(seen(board.king(me)))
    theirs = THEIRS + NO_KINGS * region(seen(board.king(not me)) ^ 56)
    for square, piece in board.piece_map().items():
        side, kind = int(piece.color != me), KINDS.index(piece.piece_type)
        at = (6 * side + kind) * 64 + seen(square)
        found.add(at)
        if board.is_attacked_by(not piece.color, square):
            found.add(at + (ATTACKED if board.is_attacked_by(piece.color, square) else HANGING))
        if kind < 5:
            found |= {base + (5 * side + kind) * 64 + seen(square) for base in (mine, theirs)}
    corners = [chess.A1, chess.H1, chess.A8, chess.H8]
    found |= {CASTLE + i for i, q in enumerate(corners) if board.castling_rights & chess.BB_SQUARES[seen(q)]}
    if board.has_legal_en_passant():
        found.add(PASSING + board.ep_square % 8)
    found |= {CLOCK + i for i, plies in enumerate((40, 65, 90)) if board.halfmove_clock >= plies}
    if board.is_check():
        found.add(CHECK)
    pieces = sum(piece.piece_type not in (chess.PAWN, chess.KING) for piece in board.piece_map().values())
    return found | {PHASE + i for i in range(6) if pieces > 2 * i}


def listed(board):
    states = GAME.from_text(board.fen())
    planes = np.zeros((1, *GAME.listed.planes), np.float32)
    rules(GAME.listed).encode(states, planes)
    found = planes[planes < FEATURES].astype(int).tolist()
    assert len(found) == len(set(found)) <= MAX_ACTIVE
    return set(found)


def test_pieces_kings_attacks_and_rights_are_those_of_python_chess():
    for board in boards():
        assert {i for i in listed(board) if i < WORTH} == expected(board), board.fen()


@pytest.mark.parametrize(
    ("fen", "worth", "gains"),
    [
        ("4k3/8/8/8/8/8/8/QQQ1K3 w - - 0 1", range(0, 20, 2), []),  # three queens up, nothing to take
        ("4k3/8/8/8/8/8/8/QQQ1K3 b - - 0 1", range(1, 20, 2), []),
        ("4k3/8/8/3q4/8/8/8/3QK3 w - - 0 1", range(0, 16, 2), range(5)),  # a queen for nothing
    ],
)
def test_what_the_exchanges_come_to(fen, worth, gains):
    found = listed(chess.Board(fen))
    levels = {i - WORTH for i in found if WORTH <= i < GAIN}
    assert levels <= set(range(20)) and {i % 2 for i in levels} == {worth[0] % 2}
    assert levels >= set(list(worth)[:7])
    assert {i - GAIN for i in found if i >= GAIN} == set(gains)


def test_both_sides_see_the_same():
    for fen in FENS:
        board = chess.Board(fen)
        assert listed(board) == listed(board.mirror())
