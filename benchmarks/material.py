"""A small chess engine to measure against: one move ahead, then captures until none pays, by material alone.

    python -m selfplay.arena chess net 'uci:python benchmarks/material.py;go nodes 1' --games 200

It is written over python-chess, speaks UCI, whatever limits it is given, and chooses among equal moves at random.
"""

import random
import sys

import chess

WORTH = {chess.PAWN: 100, chess.KNIGHT: 320, chess.BISHOP: 330, chess.ROOK: 500, chess.QUEEN: 950, chess.KING: 0}
MATE = 100_000


def material(board: chess.Board) -> int:
    """Hundredths of a pawn, for the player to move."""
    return sum(
        worth * (len(board.pieces(kind, board.turn)) - len(board.pieces(kind, not board.turn)))
        for kind, worth in WORTH.items()
    )


def taken(board: chess.Board, move: chess.Move) -> int:
    """What a move takes, the least takers first among equals."""
    victim = board.piece_type_at(move.to_square) or chess.PAWN
    return 10 * WORTH[victim] - WORTH[board.piece_type_at(move.from_square) or chess.PAWN]


def quiet(board: chess.Board, low: int, high: int) -> int:
    """Material after the captures that are best for both (alpha-beta); who is to move may always stop."""
    if board.is_checkmate():
        return -MATE
    best = material(board)
    if best >= high:
        return best
    low = max(low, best)
    for move in sorted(board.generate_legal_captures(), key=lambda m: -taken(board, m)):
        board.push(move)
        best = max(best, -quiet(board, -high, -low))
        board.pop()
        low = max(low, best)
        if low >= high:
            break
    return best


def choose(board: chess.Board, rng: random.Random) -> chess.Move:
    """The move after which the other side has least."""
    scores = {}
    for move in board.legal_moves:
        board.push(move)
        over = board.is_stalemate() or board.is_insufficient_material()
        scores[move] = 0 if over else -quiet(board, -MATE, MATE)
        board.pop()
    most = max(scores.values())
    return rng.choice([move for move, score in scores.items() if score == most])


def main() -> None:
    """Answer UCI until quit."""
    rng, board = random.Random(1), chess.Board()
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["uci"]:
            print("id name material\nuciok", flush=True)
        elif words[:1] == ["isready"]:
            print("readyok", flush=True)
        elif words[:1] == ["position"]:
            moves = words.index("moves") if "moves" in words else len(words)
            board = chess.Board() if words[1] == "startpos" else chess.Board(" ".join(words[2:moves]))
            for move in words[moves + 1 :]:
                board.push_uci(move)
        elif words[:1] == ["go"]:
            print(f"bestmove {choose(board, rng).uci()}", flush=True)
        elif words[:1] == ["quit"]:
            break


if __name__ == "__main__":
    main()
