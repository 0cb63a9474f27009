"""What a sparse net's logits tell of chess moves, beside python-chess's own sight of the board."""

import random

import chess
import numpy as np

from engine.position import Position
from games.chess_exchange import exchange
from games.chess_policy import HOW, PROMOTION, TERM_LOGITS, TERMS, TO
from games.loader import load

GAME = load("chess")
PIECES = (chess.PAWN, chess.KNIGHT, chess.BISHOP, chess.ROOK, chess.QUEEN, chess.KING)
RANK = {chess.PAWN: 1, chess.KNIGHT: 2, chess.BISHOP: 2, chess.ROOK: 3, chess.QUEEN: 4, chess.KING: 9}


def positions(count, seed):
    """Random positions, each with python-chess's board of it."""
    rng = random.Random(seed)
    position, board = Position(GAME), chess.Board()
    for _ in range(count):
        if position.ended or board.is_game_over():
            position, board = Position(GAME), chess.Board()
        yield position, board
        move = rng.choice(list(board.legal_moves))
        position.play_text(move.uci())
        board.push(move)


def terms_of(position):
    actions = position.legal()
    out = np.full((len(actions), TERMS), -1, np.int32)
    GAME.listed.policy_terms(GAME.record(position.state), np.array(actions, np.int32), len(actions), out)
    return dict(zip(actions, map(tuple, out.tolist()), strict=True))


def hangs(board, square):
    """Whether an enemy of less worth attacks the piece there, or any enemy while nothing covers it."""
    piece, enemies = board.piece_at(square), board.attackers(not board.turn, square)
    if piece.piece_type == chess.KING or not enemies:
        return False
    least = min(RANK[board.piece_type_at(enemy)] for enemy in enemies)
    return least < RANK[piece.piece_type] or not board.attackers(board.turn, square)


def test_each_term_says_what_python_chess_sees():
    seen = set()
    for position, board in positions(400, 1):
        record = GAME.record(position.state)
        for action, found in terms_of(position).items():
            move = board.parse_uci(GAME.format_action(position.state, action))
            turn = (lambda square: square) if board.turn else chess.square_mirror
            kind = PIECES.index(board.piece_type_at(move.from_square))
            hanging, check = hangs(board, move.from_square), board.gives_check(move)
            origin, target = turn(move.from_square), turn(move.to_square)
            result = exchange(record, action)
            victim = 0 if not (there := board.piece_type_at(move.to_square)) else 1 + PIECES.index(there)
            risky = board.is_attacked_by(not board.turn, move.to_square)
            if move.promotion:
                how = PROMOTION + 3 * (action >> 12) + result
            else:
                how = HOW + ((((result * 6 + kind) * 7 + victim) * 2 + hanging) * 2 + risky) * 2 + check
            assert found == (
                (kind * 64 + origin) * 2 + hanging,
                TO + ((kind * 64 + target) * 3 + result) * 2 + check,
                how,
            ), (board.fen(), move)
            seen |= {("hangs", hanging), ("check", check), ("risky", risky), ("promotes", bool(move.promotion))}
    assert len(seen) == 8, "each was met both ways"


def test_no_two_legal_moves_have_the_same_terms():
    for position, _ in positions(400, 2):
        found = terms_of(position).values()
        assert len(set(found)) == len(found)
        assert all(0 <= term < TERM_LOGITS for terms in found for term in terms)
