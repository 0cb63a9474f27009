"""Exchanges on one square against a plain search of all captures there, over python-chess's moves."""

import random

import chess
import pytest

from games.chess_exchange import WORTH, exchange, gains
from games.loader import load

GAME = load("chess")
WORTHS = {chess.PAWN: 100, chess.KNIGHT: 320, chess.BISHOP: 330, chess.ROOK: 500, chess.QUEEN: 950, chess.KING: 10_000}


def taken(board, move):
    if board.is_en_passant(move):
        return 100
    piece = board.piece_at(move.to_square)
    return WORTHS[piece.piece_type] if piece and not board.is_castling(move) else 0


def swap(board, move):
    """What a move gains when both sides go on taking with the least piece, pins not minded (the textbook's list)."""
    square, us = move.to_square, board.turn
    gain = [taken(board, move)]
    kind = move.promotion or board.piece_type_at(move.from_square)
    if move.promotion:
        gain[0] += WORTHS[kind] - 100
    after = board.copy(stack=False)
    after.remove_piece_at(move.from_square)
    if board.is_en_passant(move):
        after.remove_piece_at(square + (-8 if us else 8))
    after.set_piece_at(square, chess.Piece(kind, us))
    side = not us
    while True:
        attackers = sorted(after.attackers(side, square), key=lambda q: WORTHS[after.piece_type_at(q)])
        if not attackers:
            break
        taker = after.piece_type_at(attackers[0])
        left = after.copy(stack=False)
        left.remove_piece_at(attackers[0])
        if taker == chess.KING and left.attackers(not side, square):
            break
        gain.append(WORTHS[kind] - gain[-1])
        kind = taker
        left.set_piece_at(square, chess.Piece(taker, side))
        after, side = left, not side
    for i in range(len(gain) - 1, 0, -1):
        gain[i - 1] = -max(-gain[i - 1], gain[i])
    return gain[0]


def positions(count):
    rng, board = random.Random(5), chess.Board()
    while count:
        if board.is_game_over(claim_draw=False) or len(board.move_stack) > 120:
            board = chess.Board()
        moves = list(board.legal_moves)
        board.push(rng.choice([m for m in moves if board.is_capture(m)] * (rng.random() < 0.15) or moves))
        if not board.is_game_over():
            count -= 1
            yield board


def test_gains_are_those_of_the_plain_list():
    checked = {0: 0, 1: 0, 2: 0}
    for board in positions(250):
        states = GAME.from_text(board.fen())
        s = GAME.record(states)
        for move in board.legal_moves:
            if board.is_castling(move):
                continue
            a, wanted = GAME.parse_action(states, move.uci()), swap(board, move)
            for least in (wanted - 1, wanted, wanted + 1):
                assert gains(s, a, least) == (wanted >= least), (board.fen(), move.uci(), wanted)
            found = exchange(s, a)
            assert found == 1 + (wanted > 0) - (wanted < 0)
            checked[found] += 1
    assert min(checked.values()) > 200


@pytest.mark.parametrize(
    ("fen", "move", "kind"),
    [
        ("1k1r4/1pp4p/p7/4p3/8/P5P1/1PP4P/2K1R3 w - - 0 1", "e1e5", 2),  # a pawn for nothing
        ("1k1r3q/1ppn3p/p4b2/4p3/8/P2N2P1/1PP1R1BP/2K1Q3 w - - 0 1", "d3e5", 0),  # a knight for a pawn
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1g1", 1),
        ("4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "a7a8q", 2),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1", "e5d6", 2),
        ("4k3/8/8/2p5/8/3Q4/8/4K3 w - - 0 1", "d3d4", 0),
    ],
)
def test_known_exchanges(fen, move, kind):
    states = GAME.from_text(fen)
    assert exchange(GAME.record(states), GAME.parse_action(states, move)) == kind


def test_what_pieces_are_worth_is_in_order():
    assert WORTH[[1, 2, 5, 6, 7, 3]].tolist() == [100, 320, 330, 500, 950, 10_000]
