"""Chess without a net: mates, loose pieces, and draws that end lines of the search but never its root."""

import numpy as np
import pytest

from engine.position import Position
from engine.search import Search
from games.chess_value import MATE, quiet_score, score, static_value
from games.compiler import kernel
from games.loader import load
from games.rules import rules
from tests.engine.helpers import searcher

GAME = load("chess")
MEMORY = 64 << 20

MATE_IN_1 = {
    "r1bqkbnr/pppp1ppp/2n5/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 4 4": "h5f7",
    "6k1/5ppp/8/8/8/8/5PPP/R5K1 w - - 0 1": "a1a8",
    "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq g3 0 2": "d8h4",
    "7k/5Q2/6K1/8/8/8/8/8 w - - 99 80": "f7g7",  # on the hundredth ply, before anyone can claim
}
# From games against random moves; that there is a mate in two, and by this move alone, brute force has shown.
MATE_IN_2 = {
    "1k3b1r/2pQ2pp/2B2p2/p7/8/2P5/1P2PP1P/RNB1K1NR w KQ - 1 17": "a1a5",
    "rnb1k1nr/p2p1pp1/2p2q2/1p5Q/8/P1P1pPPN/P6P/R3KB1R b KQkq - 0 11": "f6c3",
    "3rkb1r/p1p1p1pp/P2p4/8/1PP4P/4P3/5K2/5b1q b k - 0 25": "h1g2",
    "8/8/8/1k1N4/4Q3/1P6/2P1PPPP/4KBR1 w - - 3 28": "e4c4",
    "r3kbn1/1pp1p1p1/2n3p1/p7/1PP1bP2/6Pr/Pq1PK2P/1R6 b q - 3 18": "h3h2",
    "R7/1b2kpQ1/1p2pn2/1P1p2B1/8/2P5/1P2PPPP/4KBNR w K - 2 17": "g7f8",
    "8/3p4/4kp1p/6p1/P2QP1P1/2p2P1P/8/3RK1NR w K - 0 28": "d4d7",
    "r3kbr1/p1p2p2/1p1p1B2/6pp/3Q4/2N5/PPPP1PPP/R1B1KBNR w KQq - 1 10": "f1b5",
    "rn2k2r/1bpp1ppp/1p2p3/8/5P2/3PP3/2q3PP/1N2KB1R b Kkq - 0 15": "a8a2",
    "7k/2R5/8/4N3/4B3/2P2K2/PP1P1P2/1RB5 w - - 13 32": "e5g6",
}
LOOSE = {
    "rnb1kbnr/pppp1ppp/8/4p1q1/4P3/3P4/PPP2PPP/RNBQKBNR w KQkq - 1 3": "c1g5",  # a queen
    "4k3/8/8/3r4/8/8/8/3RK3 w - - 0 1": "d1d5",
    "r1bqkb1r/pppp1ppp/2n2n2/4p2Q/4P3/2N5/PPPP1PPP/R1B1KBNR b KQkq - 5 4": "f6h5",
}


def search(fen, simulations, **settings):
    found = searcher(GAME, memory=MEMORY, **settings)
    return found.run(Position.from_text(GAME, fen), simulations=simulations)


@pytest.mark.parametrize("fen", MATE_IN_1)
def test_mates_in_one_are_found_at_once(fen):
    result = search(fen, 200)
    assert (result.move, result.proven, result.plies) == (MATE_IN_1[fen], 1, 1)


def test_most_mates_in_two_are_found():
    """Counted, so that it repeats: 20,000 simulations are a fraction of a second."""
    found = {fen: search(fen, 20_000) for fen in MATE_IN_2}
    assert all(result.plies == 3 for result in found.values() if result.proven == 1)
    assert sum(result.move == MATE_IN_2[fen] and result.proven == 1 for fen, result in found.items()) >= 8


@pytest.mark.parametrize("fen", LOOSE)
def test_loose_pieces_are_taken(fen):
    assert search(fen, 500).move == LOOSE[fen]


@pytest.mark.parametrize("clock", [100, 101, 120, 149])
def test_an_unclaimed_draw_is_played_on_from(clock):
    """Every move but a capture or a pawn's is a draw that can be claimed: the pawn alone still plays for a win."""
    result = search(f"7k/8/8/8/8/6K1/P7/R7 w - - {clock} 200", 3000)
    assert result.move.startswith("a2")
    result = search(f"7k/8/8/8/8/6K1/8/R7 w - - {clock} 200", 200)
    assert (result.proven, result.plies) == (0, 1)
    assert result.move


@pytest.mark.parametrize("mode", ["search", "hybrid", "net", "value"])
def test_a_move_is_found_where_a_draw_can_be_claimed(mode):
    position = Position.from_text(GAME, "7k/8/8/8/8/6K1/8/R7 w - - 98 200")
    player: Search = searcher(GAME, mode, memory=MEMORY)
    for _ in range(4):
        position.play(player.run(position, simulations=50).action)
    assert position.ended == "claim"
    assert position.legal()


def test_who_is_lost_holds_the_draw_by_the_fifty_moves():
    result = search("7k/8/8/8/8/6K1/8/qr6 w - - 99 200", 300)
    assert (result.proven, result.plies) == (0, 1)


def test_perpetual_check_is_better_than_to_lose():
    """Third occurrences prove: the queen checks from e8 and h5, and black is a rook and more ahead."""
    result = search("6k1/5ppp/8/8/8/8/1r4PP/q3Q2K w - - 0 1", 2000)
    assert result.move == "e1a1" or result.q.max() >= 0


FENS = [*MATE_IN_2, *LOOSE, "4k3/P7/8/8/8/8/8/4K3 w - - 0 1"]


def compiled(function):
    @kernel(GAME)
    def of_state(states):
        return function(states[0])

    return of_state


@pytest.mark.parametrize("function", [score, quiet_score, static_value])
def test_values_plain_and_compiled(function):
    fast = compiled(function)
    with np.errstate(over="ignore"):
        for fen in FENS:
            states = GAME.from_text(fen)
            assert function(GAME.record(states)) == pytest.approx(fast(states), abs=1e-12)


def test_values():
    fast = compiled(score)
    assert fast(rules(GAME).first()) == 0
    # A knight less, in the opening: 337 and -167 to 129 for the square; the same for both sides.
    odds = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKB1R {} KQkq - 0 1"
    white, black = (fast(GAME.from_text(odds.format(side))) for side in "wb")
    assert -400 < white < -250
    assert white == -black


def test_an_exchange_is_played_out():
    fast = compiled(quiet_score)
    before, defended = "4k3/8/4p3/3{}4/8/8/8/3RK3 w - - 0 1", compiled(score)
    loose = GAME.from_text("4k3/8/8/3p4/8/8/8/3RK3 w - - 0 1")
    assert fast(loose) > defended(loose) + 50, "a pawn without cover is taken"
    covered = GAME.from_text(before.format("p"))
    assert fast(covered) == defended(covered), "one with cover is not"
    assert fast(GAME.from_text("7k/6Q1/6K1/8/8/8/8/8 b - - 0 1")) == -MATE


def test_values_are_bounded():
    fast = compiled(static_value)
    for fen in FENS:
        assert -1 <= fast(GAME.from_text(fen)) <= 1
