"""PGN: what is read is what python-chess reads, whatever stands in the file; what is written is read back."""

import io
import logging
import random
import tracemalloc

import chess
import chess.pgn
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import pgn
from games.chess_text import START
from games.errors import GameError
from games.loader import load
from games.rules import rules

GAME = load("chess")
logging.getLogger("chess.pgn").setLevel(logging.CRITICAL)


class MainLine(chess.pgn.GameBuilder):
    """python-chess's reader without variations."""

    def begin_variation(self):
        return chess.pgn.SKIP

    def end_variation(self):
        pass


def judged(data: bytes):
    """Of each game as python-chess reads it: start, moves, result for white and the first error."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace")
    while (game := chess.pgn.read_game(text, Visitor=MainLine)) is not None:
        line = [move.uci() for move in game.mainline_moves()]
        yield game.headers, line, game.headers.get("Result", "*"), game.errors


def ours(data: bytes, begin: int = 0):
    return list(pgn.parse(GAME, io.BytesIO(data), begin))


def moves_of(found):
    states, line = found.start.copy(), []
    for action in found.actions:
        line.append(GAME.format_action(states, action))
        rules(GAME).play(states, 0, action)
    return line


def over(headers, moves):
    """Whether a move was made after the rules had ended the game."""
    board = chess.Board(headers.get("FEN", chess.STARTING_FEN))
    for move in moves:
        if board.is_seventyfive_moves() or board.is_insufficient_material() or not any(board.legal_moves):
            return True
        board.push(chess.Move.from_uci(move))
    return False


def sound(fen):
    try:
        return chess.Board(fen).is_valid()
    except ValueError:
        return False


def allowed(kind, data, headers, moves, errors):
    """Whether a game may be refused for this: python-chess goes on after null moves and the end, and into variants."""
    if kind == "moves after the end":
        return errors or over(headers, moves)
    reasons = {
        "an illegal move": errors,
        "a null move": "0000" in moves,
        "unreadable": b"{" in data,
        "a broken FEN": not sound(headers.get("FEN", START)),
        "Chess960": headers.is_chess960(),
        "another variant": "Variant" in headers,
    }
    return reasons[kind]


def agree(data: bytes):
    """Hold our reading of a file against python-chess's; how many games were read by both."""
    both = 0
    found = ours(data)
    expected = list(judged(data))
    assert len(found) == len(expected)
    for game, (headers, moves, result, errors) in zip(found, expected, strict=True):
        if isinstance(game, GameError):
            assert allowed(game.kind, data, headers, moves, errors), str(game)
            continue
        assert not errors
        assert moves_of(game) == moves
        assert GAME.to_text(game.start) == chess.Board(headers.get("FEN", START)).fen(en_passant="legal")
        white = {"1-0": 1, "0-1": -1, "1/2-1/2": 0}.get(result)
        assert game.outcome == (-white if white and game.start["ply"][0] % 2 else white)
        both += 1
    return both


def random_pgn(seed: int, plies: int = 120) -> str:
    """A random game with comments, glyphs and variations, sometimes from elsewhere, as python-chess writes it."""
    choose = random.Random(seed)
    starts = [
        START,
        "r2q1rk1/pP1p2pp/Q4n2/bbp1p3/Np6/1B3NBn/pPPP1PPP/R3K2R b KQ - 3 9",
        "8/PPPk4/8/8/8/8/4Kppp/8 b - - 0 1",
    ]
    game = chess.pgn.Game()
    game.setup(choose.choice(starts))
    game.headers["Result"] = choose.choice(["1-0", "0-1", "1/2-1/2", "*"])
    node, board = game, game.board()
    for _ in range(choose.randrange(plies)):
        if board.is_insufficient_material() or board.is_seventyfive_moves() or not any(board.legal_moves):
            break
        for _ in range(choose.choice([1, 1, 1, 2, 3])):
            move = choose.choice(list(board.legal_moves))
            if not node.has_variation(move):
                made = node.add_variation(move)
                if choose.random() < 0.2:
                    made.comment = choose.choice(["good", "[%clk 0:01:00]", "Nf3 (e4) ; 1-0\n\nNxe5"])
                made.nags |= {choose.randrange(1, 140)} if choose.random() < 0.1 else set()
        node = node.variations[0]
        board = node.board()
    exporter = chess.pgn.StringExporter(columns=choose.choice([None, 80]), variations=True, comments=True)
    return game.accept(exporter) + "\n\n"


def test_random_games_are_read_as_python_chess_reads_them():
    text = "".join(random_pgn(seed) for seed in range(60))
    assert agree(text.encode()) == 60
    assert agree(text.replace("\n", "\r\n").encode()) == 60


ODD = [
    "1. e4 e5 1-0",
    "e4e5 2.Nf3Nc6",
    "1.e2e4 e7-e5 2.e1e2 *",
    "1. e4 -- 2. d4 *",
    "(1. d4) 1. e4 (1. c4 (1. f4) ) ) e5 *",
    "{a} 1. e4 {b\n\nc} e5 ; d5\n2. Nf3 *",
    "%\n1. e4 e5\n% 2. d4\n;2. d3\n2. c3",
    '[Event "a"]\n\n\n1. e4 *',
    '[Event "a"]\n\n[Result "0-1"]\n1. e4 *',
    '[Event "a]\n[Result "1-0"]\n[Result "1/2-1/2"]\n\n1. e4 0-1',
    '1. e4 e5\n[Event "a"]\n\n1. d4',
    "1. e4! e5?? 2. Nf3!? $1 Nc6?!$2 1/2-1/2 0-1",
    "1. e4 0-1 e5 *",
    "1. e4 e6 2. e5 d5 3. exd6e.p. Bxd6+ 4. Bb5+ c6 5. bc6",
    "\ufeff1. d4\n\n\ufeff1. e4\n",
    '[FEN "8/P7/8/8/8/8/8/k1K5 w - - 0 1"]\n\na8q+',
    '[FEN "8/P7/8/8/8/8/8/k1K5 w - - 0 1"]\n\na8',
    '[FEN "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1"]\n\n0-0-0 0-0 1-0',
    '[FEN "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"]\n\nKg1',
    '[FEN "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"]\n\ne1h1 e8a8',
    '[FEN "4k3/8/8/8/8/8/8/R3K2R w KQkq - 0 1"]\n\ne1h1',
    '[FEN "k7/8/8/3Q3Q/8/8/K7/7Q w - - 0 1"]\n\nQf3',
    '[FEN "k7/8/8/3Q3Q/8/8/K7/7Q w - - 0 1"]\n\nQdf3',
    '[FEN "k7/8/8/3Q3Q/8/8/K7/7Q w - - 0 1"]\n\nQ5f3',
    '[FEN "k7/8/8/3Q3Q/8/8/K7/7Q w - - 0 1"]\n\nQh5f3 Ka7 Q1f1',
    '[FEN "nonsense"]\n\n1. e4\n\n1. d4',
    '[FEN ""]\n\n1. e4',
    '[Variant "Chess960"]\n[FEN "bqnrkbrn/pppppppp/8/8/8/8/PPPPPPPP/BQNRKBRN w KQkq - 0 1"]\n\n1. e4',
    '[Variant "Atomic"]\n\n1. e4',
    '[Variant "no such"]\n\n1. e4',
    '[Variant ""]\n\n1. e4',
    "1. e4 {{ e5 ; } e5 {a} {b {c} ; {d\n2. d4 {;}{\n{;\n} d5",
    '[Variant "From Position"]\n[FEN "8/P7/8/8/8/8/8/k1K5 w - - 0 1"]\n\na8=Q+',
    "1. f3 e5 2. g4 Qh4# 3. a3",
    "P@e4 N@f3",
    "1. e4 {never closed\n\n1. d4",
    "  \n\t\n",
    "",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_games_are_read_as_python_chess_reads_them(text):
    for data in (text, text + "\n", text + "\n\n1. e4 e5 *\n", text.replace("\n", "\r\n"), text.replace("\n", "\r")):
        agree(data.encode())


CORPUS = [random_pgn(seed, 30) for seed in range(8)] + ODD
PIECES = st.one_of(
    st.sampled_from(
        ["{", "}", ";", "(", ")", "\n", "\n\n", "\n%", "\r", "$1", "!", " e4 ", "Nf3", "O-O", "1-0", "*", "--"]
    ),
    st.sampled_from(
        ['\n[Event "x"]\n', '[Result "0-1"]', '[FEN "', "[Variant", "e2e4", "e8=Q", "\ufeff", "Kxe7+", "a1 "]
    ),
    st.text(alphabet='abcdefgh12345678NBRQKOx=+#-0. \n{}();[]"%$!?*', max_size=6),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(CORPUS), max_size=3), st.lists(st.tuples(st.integers(0, 999), PIECES), max_size=6))
def test_any_text_is_read_as_python_chess_reads_it(games, changes):
    text = "".join(games)
    for at, piece in changes:
        at = at * len(text) // 1000
        text = text[:at] + piece + text[at + len(piece) % 3 :]
    agree(text.encode())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for found in ours(data):
        assert isinstance(found, pgn.Resolved | GameError)
        if isinstance(found, GameError):
            assert found.kind
            assert str(found).isprintable()


def test_errors_name_game_line_and_move():
    data = b'[Event "a"]\n\n1. e4 *\n\n\n[Event "b"]\n\n1. e4 e5 2. Ke3 *\n'
    found = ours(data)
    assert [type(game) for game in found] == [pgn.Resolved, GameError]
    assert str(found[1]) == "game 2 (line 6): move 2. 'Ke3' is illegal"
    assert found[1].kind == "an illegal move"
    assert found[0].end == data.index(b'\n[Event "b')
    (rest,) = ours(data, found[0].end)
    assert "game 1 (line 2 after byte 22): move 2. 'Ke3'" in str(rest)


def test_reading_can_go_on_at_the_end_of_any_game():
    data = "".join(random_pgn(seed, 40) for seed in range(20)).encode()
    whole = ours(data)
    for at, game in enumerate(whole):
        rest = ours(data, game.end)
        assert [found.actions for found in rest] == [found.actions for found in whole[at + 1 :]]
    assert whole[-1].end == len(data)


HUGE = {
    "one line": b"e4 " * (3 << 20),
    "no newline": b"x" * (8 << 20),
    "one comment": b"1. e4 {" + b"word " * (2 << 20),
    "many lines": b"1. e4 e5\n" * (1 << 16),
    "tags": b'[Event "x"]\n' * (1 << 17),
    "long words": b"\n\n".join(b"x" * 200_000 + b"%d" % i for i in range(100)),
    "comments on one line": b"{}" * (1 << 17),
    "braces on one line": b"{" * (1 << 18),
    "half a comment each": b"a}{;" * (1 << 16),
    "a long tag": b'[FEN "' + b"8/" * (4 << 20) + b'"]\n\n1. e4',
}


@pytest.mark.parametrize("name", HUGE)
def test_memory_is_bounded_whatever_the_file(name):
    file = io.BytesIO(HUGE[name])
    tracemalloc.start()
    try:
        found = list(pgn.parse(GAME, file))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 14 << 20
    assert len(found) == (100 if name == "long words" else 2 if name == "a long tag" else 1)
    assert all(len(str(game)) < 400 for game in found if isinstance(game, GameError))
    if name in ("one line", "no newline", "one comment", "many lines", "a long tag"):
        assert isinstance(found[0], GameError)


@pytest.mark.parametrize(("fen", "first"), [(START, 1), ("4k3/8/8/8/8/8/4P3/4K3 b - - 3 40", -1)])
def test_what_is_written_is_read_back(fen, first):
    start = GAME.from_text(fen)
    moves = ["e2e4", "e7e5", "g1f3"] if first > 0 else ["e8e7", "e2e4", "e7e6"]
    for outcome in (1, 0, -1, None):
        data = pgn.serialise(GAME, start, moves, outcome, ['A "B" \\C', "D\n"], "")
        assert agree(data + data) == 2
        (found,) = ours(data)
        assert (found.outcome, moves_of(found), found.start.tobytes()) == (outcome, moves, start.tobytes())
        headers = next(judged(data))[0]
        assert headers["Black" if first > 0 else "White"] == "D"
        assert "Termination" not in headers
        assert headers["Result"] == {1: "1-0", -1: "0-1", 0: "1/2-1/2", None: "*"}[outcome and outcome * first]
        assert ("FEN" in headers, headers.get("SetUp")) == ((False, None) if first > 0 else (True, "1"))
        assert data.endswith(b"\n\n")
