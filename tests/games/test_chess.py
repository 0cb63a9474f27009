"""Chess: perft of known positions, and python-chess, which we did not write, as the judge of everything else."""

import random
from collections import Counter

import chess
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.position import Position
from games.chess import CLAIM_PLIES, LONG_UNMOVED
from games.chess_mates import wins_at_once
from games.chess_text import START, board_of
from games.defaults import CLAIMED
from games.errors import TandemError
from games.loader import load
from games.rules import rules

GAME = load("chess")
RULES = rules(GAME)
# https://www.chessprogramming.org/Perft_Results, the start and positions 2 to 6: nodes by depth, from depth 1.
PERFT = {
    START: [20, 400, 8902, 197281, 4865609, 119060324],
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1": [48, 2039, 97862, 4085603, 193690690],
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1": [14, 191, 2812, 43238, 674624, 11030083, 178633661],
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1": [6, 264, 9467, 422333, 15833292],
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": [44, 1486, 62379, 2103487, 89941194],
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10": [46, 2079, 89890, 3894594, 164075551],
}
QUICK = 20_000_000  # nodes that a test may count which is not slow


@pytest.mark.parametrize("fen", PERFT)
def test_perft(fen):
    counts = [n for n in PERFT[fen] if n < QUICK]
    assert len(counts) >= 4
    assert [RULES.perft(GAME.from_text(fen), depth) for depth in range(1, len(counts) + 1)] == counts


@pytest.mark.slow
@pytest.mark.parametrize("fen", PERFT)
def test_perft_further(fen):
    assert RULES.perft(GAME.from_text(fen), len(PERFT[fen])) == PERFT[fen][-1]


def moves_of(states):
    return sorted(GAME.format_action(states, a) for a in RULES.legal(states))


def key_of(board):
    """What FIDE compares, as python-chess keeps it."""
    return board._transposition_key()


def over(board):
    """Whether the game is over without a claim; python-chess's fivefold repetition is the Position's to see."""
    return board.is_seventyfive_moves() or board.is_insufficient_material() or not any(board.legal_moves)


def compare(states, board):
    """Our position against python-chess's: legal moves, text, end and its outcome, in check or not."""
    assert GAME.to_text(states) == board.fen(en_passant="legal")
    if over(board):
        assert RULES.legal(states) == []
        assert RULES.outcome(states, 0) == (-1 if board.is_checkmate() else 0)
    else:
        assert moves_of(states) == sorted(move.uci() for move in board.legal_moves)
    assert (RULES.key(states, 0) == CLAIMED) == (board.halfmove_clock >= CLAIM_PLIES and not board.is_checkmate())


def random_walks(count, seed):
    """Random games, some from positions with few pieces, until `count` positions are compared; those are yielded."""
    choose = random.Random(seed)
    while count > 0:
        board = chess.Board() if choose.random() < 0.5 else few_pieces(choose)
        states = GAME.from_text(board.fen())
        while count > 0:
            compare(states, board)
            yield states, board
            count -= 1
            if over(board) or board.halfmove_clock > CLAIM_PLIES + 10:
                break
            forcing = [move for move in board.legal_moves if board.gives_check(move) or board.is_en_passant(move)]
            move = choose.choice(forcing if forcing and choose.random() < 0.3 else list(board.legal_moves))
            RULES.play(states, 0, GAME.parse_action(states, move.uci()))
            board.push(move)


def few_pieces(choose):
    """A random legal position of two kings and up to ten other pieces, many of them pawns."""
    while True:
        board = chess.Board(None)
        squares = choose.sample(range(64), choose.randint(2, 12))
        for n, square in enumerate(squares):
            kind = chess.KING if n < 2 else choose.choice([1, 1, 1, 2, 3, 4, 5])
            board.set_piece_at(square, chess.Piece(kind, n == 0 or (n > 1 and choose.random() < 0.5)))
        board.turn = choose.random() < 0.5
        board.halfmove_clock, board.fullmove_number = choose.choice([0, 3, 97]), choose.randint(1, 90)
        board.castling_rights = chess.BB_A1 | chess.BB_H1 | chess.BB_A8 | chess.BB_H8
        board.castling_rights = board.clean_castling_rights()
        if board.is_valid():
            return board


def test_random_positions_against_python_chess():
    keys = {}
    seen = 0
    for states, board in random_walks(3000, 1):
        seen += 1
        key = int(RULES.key(states, 0))
        if key != CLAIMED:  # equal keys for equal positions, and for those alone
            assert keys.setdefault(key, key_of(board)) == key_of(board)
    assert seen == 3000
    assert len(set(keys.values())) == len(keys)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_random_positions_against_python_chess(seed):
    assert sum(1 for _ in random_walks(5000, seed)) == 5000


def playable(fen):
    return Position.from_text(GAME, fen)


ENDS = [
    ("7k/6Q1/6K1/8/8/8/8/8 b - - 0 1", -1),
    ("7k/6Q1/6K1/8/8/8/8/8 b - - 150 90", -1),  # mate comes before the seventy-five moves
    ("7k/6Q1/6K1/8/8/8/8/8 b - - 100 90", -1),
    ("7k/5Q2/6K1/8/8/8/8/8 b - - 0 1", 0),  # stalemate
    ("7k/8/6K1/8/8/8/8/R7 w - - 150 90", 0),
    ("7k/8/6K1/8/8/8/8/8 w - - 0 1", 0),
    ("7k/8/6K1/8/8/8/8/N7 w - - 0 1", 0),
    ("7k/8/6K1/8/8/8/8/b7 w - - 0 1", 0),
    ("7k/8/6K1/8/8/8/8/2B1b3 w - - 0 1", 0),  # bishops on one colour
    ("7k/8/6K1/8/8/8/8/2B2b2 w - - 0 1", None),  # on both
    ("n6k/8/6K1/8/8/8/8/2B5 w - - 0 1", None),
    ("7k/8/6K1/8/8/8/8/NN6 w - - 0 1", None),
    ("n6k/8/6K1/8/8/8/8/N7 w - - 0 1", None),
    ("7k/8/6K1/8/8/8/p7/8 w - - 0 1", None),
]


@pytest.mark.parametrize(("fen", "outcome"), ENDS)
def test_ends(fen, outcome):
    position, board = playable(fen), chess.Board(fen)
    compare(position.state, board)
    assert position.ended == ("" if outcome is None else "rules")
    if outcome is not None:
        assert position.outcome() == outcome


def test_fifty_moves_are_claimed_and_seventy_five_end():
    position = playable("7k/8/6K1/8/8/8/8/R7 w - - 98 90")
    assert position.ended == ""
    position.play_text("a1a2")
    position.play_text("h8g8")
    assert (position.ended, position.outcome()) == ("claim", 0)
    assert position.legal(), "nobody has claimed it yet"
    for move in ["a2a1", "g8h8", "a1a2", "h8g8"] * 12:
        position.play_text(move)
    position.play_text("a2a1")
    assert (position.ended, GAME.to_text(position.state).split()[4]) == ("claim", "149")
    position.play_text("g8h8")
    assert (position.ended, position.outcome(), position.legal()) == ("rules", 0, [])


def test_three_occurrences_draw_whoever_has_moved_there():
    position = Position(GAME)
    for move in ["g1f3", "g8f6", "f3g1", "f6g8"] * 2:
        assert position.ended == ""
        position.play_text(move)
    assert (position.ended, position.outcome()) == ("repetition", 0)


def test_what_repetition_tells_apart():
    """Castling rights and a legal capture in passing; no capture, or one that a pin forbids, is no difference."""

    def key(fen):
        return int(RULES.key(GAME.from_text(fen), 0))

    with_rights = "r3k2r/8/8/8/8/8/8/R3K2R w {} - 0 1"
    assert len({key(with_rights.format(rights)) for rights in ("KQkq", "KQk", "Qkq", "-")}) == 4
    assert key("4k3/8/8/1pP5/8/8/8/4K3 w - b6 0 2") != key("4k3/8/8/1pP5/8/8/8/4K3 w - - 0 2")
    assert key("4k3/8/8/1p1P4/8/8/8/4K3 w - b6 0 2") == key("4k3/8/8/1p1P4/8/8/8/4K3 w - - 0 2")
    assert key("8/8/8/KpP4r/8/8/8/4k3 w - b6 0 2") == key("8/8/8/KpP4r/8/8/8/4k3 w - - 0 2")
    assert key("4k3/8/8/8/8/8/8/4K2R w - - 0 1") != key("4k2r/8/8/8/8/8/8/4K3 b - - 0 1"), "whose move it is"


MOVES = [
    (START, "e4", "e2e4"),
    (START, " Nf3 ", "g1f3"),
    (START, "G1F3", "g1f3"),
    ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "O-O-O", "e8c8"),
    ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "0-0", "e8g8"),
    ("4k3/8/8/8/8/8/p7/4K3 b - - 0 1", "a1=N", "a2a1n"),
    ("4k3/8/8/8/8/8/p7/4K3 b - - 0 1", "a2a1Q", "a2a1q"),
]


@pytest.mark.parametrize(("fen", "text", "expected"), MOVES)
def test_moves_as_players_write_them(fen, text, expected):
    states = GAME.from_text(fen)
    action = GAME.parse_action(states, text)
    assert GAME.format_action(states, action) == expected
    assert action in RULES.legal(states)


@pytest.mark.parametrize("text", ["e5", "Nd2", "e2e4q", "e2", "0000", "--", "", "e2e9", "O-O", "no such move"])
def test_moves_that_are_none(text):
    with pytest.raises(TandemError):
        GAME.parse_action(Position(GAME).state, text)


def test_a_promotion_says_what_the_pawn_becomes():
    with pytest.raises(TandemError, match="a2a1q"):
        GAME.parse_action(GAME.from_text("4k3/8/8/8/8/8/p7/4K3 b - - 0 1"), "a2a1")


BAD = {
    "": "no position",
    "nonsense": "no position",
    "8/8/8/8/8/8/8/8 w - - 0 1": "no white king",
    "4k3/8/8/8/8/8/8/3QK3 x - - 0 1": "turn",
    "4k3/8/8/8/8/8/8/4K3 w KQ - 0 1": "bad castling rights",
    "4k3/8/8/8/8/8/8/P3K3 w - - 0 1": "pawns on backrank",
    "4k3/8/8/8/8/8/4R3/4K3 w - - 0 1": "opposite check",
    "4k3/8/8/8/4P3/8/8/4K3 b - e6 0 1": "invalid ep square",
    "4k3/8/8/8/8/8/QQQQQQQQ/QQ2K3 b - - 0 1": "white has more pieces",
    "4k3/8/8/8/8/8/8/4K3 w - - 99999999999 1": "counted up to",
    "4k3/8/8/8/8/8/8/4K3 w - - 0 99999999999": "counted up to",
}


@pytest.mark.parametrize("text", BAD)
def test_texts_that_are_none(text):
    with pytest.raises(TandemError, match=BAD[text]):
        GAME.from_text(text)


FENS = st.one_of(
    st.text(),
    st.text(alphabet="pnbrqkPNBRQK12345678/ wb-KQkqaeh36", max_size=80),
    st.tuples(st.sampled_from(sorted(PERFT)), st.integers(0, 60), st.text(alphabet="pkKQ18/ -wb9é", max_size=4)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
    ),
)


@settings(deadline=None, max_examples=300)
@given(FENS)
def test_any_text_is_a_position_or_refused(text):
    try:
        states = GAME.from_text(text)
    except TandemError:
        return
    compare(states, board_of(GAME.record(states)))
    assert GAME.from_text(GAME.to_text(states)).tobytes() == states.tobytes()


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(PERFT)), st.text(alphabet="abcdefgh12345678NBRQKOx=+#-0qnbr \u00e9", max_size=8))
def test_any_text_is_a_move_or_refused(fen, text):
    try:
        assert 0 <= GAME.parse_action(GAME.from_text(fen), text) < GAME.actions
    except TandemError:
        return


def test_the_board_as_text():
    position = playable(START)
    position.play_text("e4")
    lines = GAME.render(position.state).splitlines()
    assert lines[0] == "8 r n b q k b n r"
    assert lines[4] == "4 . . . . P . . ."
    assert lines[-2:] == ["  a b c d e f g h", "black to move"]


def test_only_without_castling_rights_is_there_a_mirror_image():
    image = GAME.states(1)
    assert not RULES.transform(GAME.from_text(START), 1, image)
    states = GAME.from_text("4k3/8/8/1pP5/8/8/8/4K2R w - b6 0 9")
    assert RULES.transform(states, 1, image)
    assert GAME.to_text(image) == "3k4/8/8/5Pp1/8/8/8/R2K4 w - g6 0 9"


def planes_of(fen):
    planes = np.full((1, *GAME.planes), 9, np.float32)
    RULES.encode(GAME.from_text(fen), planes)
    return planes[0]


def test_both_sides_see_the_board_from_their_own():
    white, black = planes_of("4k3/1q6/8/8/4P3/8/8/4K2R w K - 45 9"), planes_of("4k2r/8/8/4p3/8/8/1Q6/4K3 b k - 45 9")
    assert (white == black).all()
    assert white[0].tolist() == [[float((r, c) == (3, 4)) for c in range(8)] for r in range(8)]
    assert (white[12, 3, 4], white[12].sum(), white[13].sum()) == (1, 1, 2), "e4 is attacked; e4 and e1 have no cover"
    assert white[16, 0, 7] == 1
    assert white[18:].sum() == 64 * sum(plies <= 45 for plies in LONG_UNMOVED)


def test_a_mate_in_one_is_seen_wherever_there_is_one() -> None:
    rng, seen = random.Random(11), Counter[bool]()
    fens = ["6k1/5ppp/8/8/8/8/8/R3K3 w Q - 0 1", "k7/2P5/1K6/8/8/8/8/8 w - - 0 1", "3k4/3P4/3K4/8/8/8/8/7R w - - 0 1"]
    boards = [chess.Board(fen) for fen in fens]
    for _ in range(60):
        board = chess.Board()
        while not board.is_game_over(claim_draw=False) and board.ply() < 160:
            board.push(rng.choice(list(board.legal_moves)))
            boards.append(board.copy(stack=False))
    for board in boards:
        if board.is_game_over(claim_draw=False):
            continue
        mates = False
        for move in board.legal_moves:
            if board.gives_check(move):
                board.push(move)
                mates |= board.is_checkmate()
                board.pop()
        assert bool(wins_at_once(GAME.record(GAME.from_text(board.fen())))) == mates, board.fen()
        seen[mates] += 1
    assert min(seen.values()) > 20
