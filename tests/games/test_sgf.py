"""SGF as others write it, and as nobody should: what is read, written and refused."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games import sgf
from games.errors import TandemError
from games.loader import load
from games.movelist import Written

OTHELLO, GOMOKU, HEX = load("othello"), load("gomoku:size=5"), load("hex:size=5")
SWAP, HEX13 = load("hex:size=5,swap=1"), load("hex:size=13,swap=1")
EDAX = (
    "(;FF[4]GM[2]AP[edax:4.4]PC[Edax]DT[2024-01-01]PB[a]PW[b]SZ[8]AB[E4][D5]AW[D4][E5]PL[B]RE[W+2];"
    "B[f5];W[d6];B[c3];W[PA];B[d3];)"
)
# Of a game on Little Golem: the first player, who is W in its moves and B in its result, resigns.
GOLEM = (
    "(;FF[4]EV[hex.ch.23.1.1]PB[one]PW[two]SZ[13]RE[W]GC[ game #1139802]SO[http://www.littlegolem.com];"
    "W[mf];B[swap];W[kj];B[ie];W[resign])"
)


def read(game, text):
    found = list(sgf.parse(game, text if isinstance(text, bytes) else text.encode()))
    assert all(isinstance(one, Written) for one in found), found
    return [(one.moves, one.outcome) for one in found]


@pytest.mark.parametrize(
    ("game", "text", "moves", "outcome"),
    [
        (OTHELLO, EDAX, "f5 d6 c3 pass d3", -1),
        (OTHELLO, "(;GM[2];B[fe];W[df];W[cc])", "f5 d6 pass c3", None),
        (OTHELLO, "(;GM[2]RE[B+12];B[F5];W[];B[--];W[@@];B[tt])", "f5 pass pass pass pass", 1),
        (GOMOKU, "(;GM[4]SZ[5]RE[0];B[aa];W[ae];B[c2])", "a5 a1 c2", 0),
        (GOMOKU, "(;FF[4]RE[?]C[a \\] in a comment](;B[cc]C[one];W[bb])(;B[aa]))", "c3 b4", None),
        (GOMOKU, "junk (;B[aa]) and (;W[bb])", "a5", None),
        (HEX, "(;GM[11]SZ[5]RE[W+Resign];B[a3];W[B5];B[resign])", "a3 b5", -1),
        (HEX, "(;GM[11]SZ[5:5];W[b1];B[c5];W[d2])", "a2 e3 b4", None),  # mirrored: White joins left and right
        (HEX, "(;RE[White];W[b1];B[c5])", "a2 e3", 1),
        (SWAP, "(;GM[11]RU[swap=1];B[b1];W[swap-pieces];B[c4])", "b1 swap c4", None),
        (SWAP, "(;GM[11];B[b1];W[swap-sides];W[c4];B[d2];W[forfeit])", "b1 swap d3 b4", -1),
        (SWAP, "(;GM[11];B[b1];W[swap-sides];B[c4];W[d2];B[resign])", "b1 swap d3 b4", -1),
        (HEX13, GOLEM, "m6 swap k10 i5", -1),
        (HEX13, GOLEM.replace("RE[W]", ""), "m6 swap k10 i5", -1),
        (HEX13, GOLEM.replace("RE[W]", "RE[B]").replace("W[resign]", ""), "m6 swap k10 i5", 1),
    ],
)
def test_files_of_other_programs(game, text, moves, outcome):
    found = read(game, text)
    assert found[0] == (moves.split(), outcome)


def test_a_collection_is_read_game_by_game():
    text = "(;GM[4];B[aa])\n(;GM[1];B[aa])\n\n(;GM[4];B[bb]) and then some words"
    first, second, third = sgf.parse(GOMOKU, text.encode())
    assert (first.where, first.moves, first.end) == ("game 1", ["a5"], text.index(")") + 1)
    assert str(second).startswith("game 2, root: GM[1] is Go; gomoku would be GM[4] (Gomoku and Renju)")
    assert (third.where, third.moves) == ("game 3", ["b4"])


@pytest.mark.parametrize(
    ("game", "moves", "outcome", "names", "text"),
    [
        (OTHELLO, ["f5", "pass"], None, ("", ""), "FF[4]AP[Tandem:V]GM[2]RE[?]SZ[8];B[f5];W[PA]"),
        (GOMOKU, ["a5", "c2"], 0, ("a]b", ""), "FF[4]AP[Tandem:V]GM[4]PB[a\\]b]RE[0]RU[rule=free]SZ[5];B[aa];W[cd]"),
        (
            SWAP,
            ["b1", "swap"],
            -1,
            ("", "x"),
            "FF[4]AP[Tandem:V]GM[11]PW[x]RE[W+]RU[swap=1]SZ[5];B[b1];W[swap-pieces]",
        ),
    ],
)
def test_what_is_written(game, moves, outcome, names, text):
    found = sgf.serialise(game, moves, outcome, names).decode()
    assert re.sub(r"Tandem:[0-9.]+", "Tandem:V", found).replace("\n", "") == f"(;{text})"
    assert read(game, found) == [(moves, outcome)]


BROKEN = [
    (OTHELLO, "", "no SGF: a game of it begins with (;"),
    (OTHELLO, "f5 d6 c3", "no SGF"),
    (OTHELLO, b"\x00\xff(;\x00\xff", "game 1: no whole SGF up to byte 4: unexpected end of SGF data"),
    (OTHELLO, "(;GM[2];B[f5", "game 1: no whole SGF"),
    (OTHELLO, "(;GM[2];B[f5]", "game 1: no whole SGF"),
    (OTHELLO, "(;GM[2];B)", "game 1: no whole SGF up to byte 10: property with no values"),
    (OTHELLO, "(;GM[11];B[a1])", "game 1, root: GM[11] is Hex; othello would be GM[2] (Othello)"),
    (OTHELLO, f"(;GM[{'9' * 9000}])", "is another game; othello would be GM[2]"),
    (HEX, "(;SZ[11];B[a1])", "game 1, root: SZ[11] is not the size 5 of hex:size=5; the game would be hex:size=11"),
    (HEX, "(;SZ[5:6];B[a1])", "game 1, root: SZ[5:6] is not the size 5 of hex:size=5"),
    (HEX, "(;RU[swap=1];B[a1])", "game 1, root: RU[swap=1] is not swap=0; name the game with its swap"),
    (HEX, "(;B[a1];W[swap-pieces])", "game 1, move 2: a swap; name the game as hex:size=5,swap=1"),
    (HEX, "(;B[a1];B[a2])", "game 1, move 2: B moves where it is W's turn"),
    (HEX, "(;B[a1]W[a2])", "game 1, move 1: two moves in one node"),
    (HEX, "(;B[a1][a2])", "game 1, move 1: two moves in one node"),
    (HEX, "(;AB[a1];W[a2])", "game 1, move 1: stones are set up; only games from the first position can be read"),
    (HEX, "(;B[a1];AB[a1:c3])", "game 1, move 2: stones are set up"),
    (OTHELLO, "(;AB[e4][d5]AW[d4];B[f5])", "stones are set up"),
    (OTHELLO, "(;AE[a1];B[f5])", "stones are set up"),
]


@pytest.mark.parametrize(("game", "text", "words"), BROKEN)
def test_what_is_wrong_is_named(game, text, words):
    try:
        found = list(sgf.parse(game, text if isinstance(text, bytes) else text.encode()))
    except TandemError as error:
        found = [error]
    assert len(found) == 1
    assert words in str(found[0])
    assert "\n" not in str(found[0])
    assert len(str(found[0])) < 200


@pytest.mark.parametrize(
    "text",
    [b"(;B[a1]" * 20_000 + b")" * 20_000, b"(" * 200_000, b"(;[" * 100_000, b"(;B[" * 100_000, b"(;" * 100_000],
)
def test_nesting_and_repetition_end_soon(text):
    began = time.monotonic()
    try:
        for found in sgf.parse(HEX, text):
            assert isinstance(found, TandemError)
    except TandemError:
        pass
    assert time.monotonic() - began < 5


WHOLE = ["B[a1]", "W[b2]", "B[ab]", "B[]", "GM[11]", "SZ[5]", "RE[B+]", "AB[a1]", "W[swap]", "W[resign]", "RU[swap=1]"]
PIECES = st.sampled_from(
    ["(", ")", ";", "(;", "B[", "W[", "[", "]", "\\", "x", "\0", "é", "\x1b", "B[swap-sides]", *WHOLE]
)


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from([OTHELLO, GOMOKU, HEX, SWAP]))
def test_no_text_does_harm(text, game):
    try:
        for found in sgf.parse(game, text.encode()):
            assert isinstance(found, Written | TandemError)
    except TandemError as error:
        assert "\n" not in str(error)
