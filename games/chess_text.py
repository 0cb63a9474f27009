"""Chess in words: squares, moves, positions. python-chess reads and writes them; none of it is compiled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import chess

U = np.uint64
START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
UCI = re.compile(r"([a-h][1-8])([a-h][1-8])([qnbr]?)")
LETTERS = "qnbr"  # what a pawn becomes, by the way of an action
MOST_CLOCK, MOST_NUMBER = 10_000, 100_000
MOST_TEXT, MOST_SHOWN = 200, 100  # characters of a FEN, and of one that is none in its error
EXTRA = {"knights": 2, "bishops": 2, "rooks": 2, "queens": 1}  # beyond these, pawns have become them


def _seen(square: int, ply: int) -> int:
    """A square of the record on the board as white sees it, or the other way round."""
    return square ^ 56 if ply & 1 else square


def _flipped(squares: int, ply: int) -> int:
    return int.from_bytes(squares.to_bytes(8, "little"), "big") if ply & 1 else squares


def board_of(s: Any) -> chess.Board:
    """The position as python-chess knows it, without its past."""
    import chess

    ply = int(s.ply)
    bit0, bit1, bit2, me, castle = (_flipped(int(word), ply) for word in (s.bit0, s.bit1, s.bit2, s.me, s.castle))
    board = chess.Board(None)
    board.pawns, board.knights, board.kings = bit0 & ~bit1 & ~bit2, bit1 & ~bit0 & ~bit2, bit0 & bit1 & ~bit2
    board.bishops, board.rooks, board.queens = bit2 & ~bit1, bit2 & bit1 & ~bit0, bit2 & bit1 & bit0
    board.occupied = bit0 | bit1 | bit2
    board.turn = ply % 2 == 0
    board.occupied_co[board.turn], board.occupied_co[not board.turn] = me, board.occupied & ~me
    board.castling_rights = castle
    board.ep_square = _seen(int(s.ep).bit_length() - 1, ply) if s.ep else None
    board.halfmove_clock, board.fullmove_number = int(s.clock), ply // 2 + 1
    return board


def to_text(s: Any) -> str:
    return board_of(s).fen(en_passant="fen")


def from_text(text: str, s: Any) -> None:
    import chess

    def refuse(words: str) -> ValueError:
        return ValueError(f"'{text[:MOST_SHOWN]}' is no position: {words}; write a FEN, such as {START}")

    if len(text) > MOST_TEXT:
        raise refuse(f"it has {len(text):,} characters")

    try:
        board = chess.Board(text)
    except ValueError as error:
        raise refuse(str(error)) from None
    status = board.status()
    if status:
        raise refuse(", ".join(str(flag.name).lower().replace("_", " ") for flag in chess.Status if flag & status))
    for side, name in ((board.occupied_co[True], "white"), (board.occupied_co[False], "black")):
        more = (max(0, (getattr(board, kind) & side).bit_count() - n) for kind, n in EXTRA.items())
        if sum(more) + (board.pawns & side).bit_count() > 8:
            raise refuse(f"{name} has more pieces than its pawns can have become")
    if board.halfmove_clock > MOST_CLOCK or board.fullmove_number > MOST_NUMBER:
        raise refuse(f"moves are counted up to {MOST_NUMBER:,}, those without a capture or pawn move to {MOST_CLOCK:,}")
    ply = 2 * board.fullmove_number - (2 if board.turn else 1)
    words = {
        "bit0": board.pawns | board.kings | board.bishops | board.queens,
        "bit1": board.knights | board.kings | board.rooks | board.queens,
        "bit2": board.bishops | board.rooks | board.queens,
        "me": board.occupied_co[board.turn],
        "castle": board.clean_castling_rights(),
        "ep": 1 << board.ep_square if board.ep_square is not None and board.has_legal_en_passant() else 0,
    }
    for name, word in words.items():
        setattr(s, name, U(_flipped(word, ply)))
    s.clock, s.ply = board.halfmove_clock, ply


def _becomes(s: Any, origin: int, target: int) -> bool:
    """Whether a move is a pawn's to the last row."""
    pawns = int(s.bit0) & ~int(s.bit1) & ~int(s.bit2)
    return target >= 56 and bool(pawns >> origin & 1)


def format_action(s: Any, a: int) -> str:
    way, origin, target = int(a) >> 12, int(a) >> 6 & 63, int(a) & 63
    names = [f"{'abcdefgh'[q % 8]}{q // 8 + 1}" for q in (_seen(origin, s.ply), _seen(target, s.ply))]
    return "".join(names) + (LETTERS[way] if _becomes(s, origin, target) else "")


def action_of(move: chess.Move, ply: int) -> int:
    """The action of python-chess's move, on whoever's turn the ply is."""
    import chess

    way = LETTERS.index(chess.piece_symbol(move.promotion)) if move.promotion else 0
    return way << 12 | _seen(move.from_square, ply) << 6 | _seen(move.to_square, ply)


def parse_action(s: Any, text: str) -> int:
    """The action of a move in UCI (e2e4, e7e8q) or in the game's own notation, SAN (e4, Nf3, O-O, e8=Q)."""
    import chess

    text = text.strip()
    found = UCI.fullmatch(text.lower())
    if found is None:
        try:
            move = board_of(s).parse_san(text)
        except ValueError as error:
            raise ValueError(f"{error}; write a move as e2e4, e7e8q or as Nf3, O-O, e8=Q") from None
        if not move:
            raise ValueError(f"'{text}' passes, which chess does not know; write a move as e2e4 or as Nf3")
        letter = chess.piece_symbol(move.promotion) if move.promotion else ""
        squares = [move.from_square, move.to_square]
    else:
        squares, letter = [chess.parse_square(found[1]), chess.parse_square(found[2])], found[3]
    origin, target = (_seen(square, int(s.ply)) for square in squares)
    if bool(letter) != _becomes(s, origin, target):
        words = f"no pawn becomes a piece by '{text}'" if letter else f"say what the pawn becomes: {text}q"
        raise ValueError(words)
    return (LETTERS.index(letter) if letter else 0) << 12 | origin << 6 | target


def pieces(s: Any) -> list[str]:
    return [row.replace(" ", "") for row in str(board_of(s)).splitlines()]


def _cell(square: int) -> tuple[int, int]:
    return 7 - square // 8, square % 8


def touched(s: Any, a: int) -> list[tuple[int, int]]:
    return [_cell(_seen(square, int(s.ply))) for square in (int(a) >> 6 & 63, int(a) & 63)]


def ended_by(s: Any) -> list[tuple[int, int]]:
    """The king that is mated."""
    board = board_of(s)
    king = board.king(board.turn)
    return [_cell(king)] if king is not None and board.is_checkmate() else []


def render(s: Any) -> str:
    rows = [f"{8 - n} {' '.join(row)}" for n, row in enumerate(pieces(s))]
    return "\n".join([*rows, "  a b c d e f g h", f"{'black' if int(s.ply) % 2 else 'white'} to move"])


def ending(s: Any) -> str:
    board = board_of(s)
    if board.is_checkmate():
        return "checkmate"
    if board.is_insufficient_material():
        return "insufficient material"
    if board.is_stalemate():
        return "stalemate"
    moves = "seventy-five" if board.is_seventyfive_moves() else "fifty"
    return f"{moves} moves without a capture or pawn move"
