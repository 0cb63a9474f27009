"""Syzygy at the root: python-chess's own tables of three men."""

import os
from typing import ClassVar

import chess
import pytest

from engine.position import Position
from games.errors import TandemError
from games.loader import load
from interfaces.session import Session
from interfaces.tablebase import SHIPPED, Tablebase
from players.spec import parse_spec

GAME = load("chess")


@pytest.mark.parametrize(
    ("fen", "most"), [("8/8/8/3k4/8/8/4QK2/8 w - - 0 1", 10), ("8/8/8/3k4/8/8/4RK2/8 w - - 0 1", 16)]
)
def test_every_interface_mates_with_a_queen_or_a_rook_alone(fen: str, most: int) -> None:
    session = Session(GAME, parse_spec("search:simulations=300,seed=1"), None)
    session.new_game(fen)
    while not session.position.ended:
        session.position.play(session.think().action)
    assert (session.position.ended, session.position.outcome()) == ("rules", -1.0)
    assert session.position.ply < 2 * most


TABLES = Tablebase("")


def kept(fen: str, moves: str = "") -> tuple[set[str], int] | None:
    position = Position.from_text(GAME, fen)
    for move in moves.split():
        position.play_text(move)
    found = TABLES.kept(position)
    return found and ({GAME.format_action(position.state, action) for action in found.actions}, found.outcome)


@pytest.mark.parametrize(
    ("fen", "moves", "outcome"),
    [
        ("3k4/8/8/3K4/3P4/8/8/8 w - - 0 1", {"d5e6", "d5d6", "d5c6"}, 1),
        ("8/4P3/8/8/8/k7/8/4K3 w - - 98 70", {"e7e8q", "e7e8r"}, 1),  # each begins a new count
        ("7k/5Q2/6K1/8/8/8/8/8 w - - 99 80", {"f7g7", "f7f8", "f7e8", "f7h7"}, 1),
        ("7k/8/5K2/8/8/8/8/6q1 w - - 0 1", None, -1),  # all lose: the search defends
        ("8/8/8/3k4/8/8/4QK2/8 b - - 0 1", None, -1),
    ],
)
def test_what_is_kept(fen: str, moves: set[str] | None, outcome: int) -> None:
    legal = {move.uci() for move in chess.Board(fen).legal_moves}
    assert kept(fen) == (legal if moves is None else moves, outcome)


class Tables:
    """A queen's endings against a rook's as if they were all won, in twice as many plies as the queen's row."""

    wdl: ClassVar = {"KQvKR": None}

    def probe_wdl(self, board: chess.Board) -> int:
        return -2

    def probe_dtz(self, board: chess.Board) -> int:
        (queen,) = board.pieces(chess.QUEEN, chess.WHITE)
        return -2 * (queen // 8)


def test_wins_are_hurried_where_a_position_came_again_or_the_fifty_moves_are_near(monkeypatch) -> None:
    monkeypatch.setattr(TABLES, "_tables", Tables())
    monkeypatch.setattr(TABLES, "_most", 4)
    fen = "7r/8/8/2k5/8/8/5K2/3Q4 w - - {} 1"
    rows = {1: 7, 90: 4, 97: 0}
    for clock, row in rows.items():
        found = kept(fen.format(clock))
        assert found is not None
        queens = {move for move in found[0] if move.startswith("d1")}
        assert {int(move[3]) - 1 for move in queens} == set(range(row + 1))
    again = kept(fen.format(0), "f2e2 c5b5 e2f2 b5c5")
    assert again is not None
    assert all(move[3] == "1" or move.startswith("f2") for move in again[0])


def test_a_bare_king_is_mated_by_the_shortest_way() -> None:
    found = kept("8/8/8/3k4/8/8/4QK2/8 w - - 0 1")
    assert found is not None
    assert found == (
        {"f2g3", "f2f3", "f2e3", "e2e8", "e2e7", "e2a6", "e2h5", "e2b5", "e2g4", "e2d3", "e2d2", "e2d1"},
        1,
    )


def proven(fen: str, moves: str = "") -> dict[str, tuple[int, int]]:
    position = Position.from_text(GAME, fen)
    for move in moves.split():
        position.play_text(move)
    found = TABLES.solutions(position)
    return {GAME.format_action(position.state, action): (s.lower, s.upper) for action, s in found.items()}


def test_what_is_proven_of_every_move() -> None:
    legal = proven("8/8/8/3k4/8/8/4QK2/8 w - - 0 1")
    assert set(legal.values()) == {(0, 0), (1, 1)}
    assert {move for move, bounds in legal.items() if bounds == (0, 0)} == {"e2e6", "e2e5", "e2e4", "e2c4"}
    assert set(proven("8/8/8/3k4/8/8/4QK2/8 b - - 0 1").values()) == {(-1, -1)}
    assert proven("7k/5Q2/6K1/8/8/8/8/8 w - - 99 80")["f7g7"] == (1, 1)
    assert proven("7k/5Q2/6K1/8/8/8/8/8 w - - 99 80")["f7a2"] == (0, 0)  # the fifty moves are over
    assert proven("8/8/8/3k4/8/8/4QK2/8 w - - 0 1", "f2e1 d5c5 e1f2 c5d5")["e2d3"] == (0, 1)
    assert proven(chess.STARTING_FEN) == {}


@pytest.mark.parametrize(("clock", "draws"), [(0, 0), (95, 1)])
def test_the_fifty_moves_may_take_a_win_and_spare_a_loss(clock: int, draws: int) -> None:
    attack = proven(f"8/8/8/3k4/8/8/4RK2/8 w - - {clock} 1")
    assert attack["f2f3"] == (1 - draws, 1)
    assert set(proven(f"8/8/8/3k4/8/8/4RK2/8 b - - {clock} 1").values()) == {(-1, draws - 1)}


def test_a_session_knows_the_truth_and_says_so_of_its_own_move() -> None:
    session = Session(GAME, parse_spec("search:simulations=20,seed=1"), None)
    assert session.truth(lambda: False) == {}
    assert session.think().proven is None
    session.new_game("8/8/8/3k4/8/8/4QK2/8 w - - 0 1")
    assert session.think().value_text() == "proven win"
    assert session.truth(lambda: False)[session.think().action].value == 1


@pytest.mark.parametrize(
    "fen", [chess.STARTING_FEN, "4k3/8/8/8/8/8/2QQ4/4K3 w - - 0 1", "4k2r/8/8/8/8/8/8/4K3 w k - 0 1"]
)
def test_nothing_is_said_where_there_are_no_tables(fen: str) -> None:
    assert kept(fen) is None


def test_folders_that_hold_nothing(tmp_path) -> None:
    with pytest.raises(TandemError, match=r"SyzygyPath: cannot read .*nowhere: No such file"):
        Tablebase(str(tmp_path / "nowhere"))
    with pytest.raises(TandemError, match="SyzygyPath: no tables"):
        Tablebase(str(tmp_path))
    Tablebase(os.pathsep.join([str(tmp_path), str(SHIPPED)]))


@pytest.mark.parametrize("size", [0, 16, 80, 4112])
def test_a_damaged_table_says_nothing_and_is_told_of_once(tmp_path, size) -> None:
    for suffix in ("rtbw", "rtbz"):
        whole = (SHIPPED / f"KQvK.{suffix}").read_bytes()
        (tmp_path / f"KQvKR.{suffix}").write_bytes(whole[:4] + b"\xff" * (size - 4) if size else b"")
    told: list[str] = []
    tables = Tablebase(str(tmp_path), told.append)
    for fen in ("7r/8/8/2k5/8/8/5K2/3Q4 w - - 0 1", "7r/8/8/2k5/8/8/3Q1K2/8 w - - 0 1"):
        assert tables.kept(Position.from_text(GAME, fen)) is None
    assert len(told) == 1
    assert told[0].startswith("SyzygyPath: a damaged table is passed over: ")
    assert tables.kept(Position.from_text(GAME, "8/8/8/3k4/8/8/4QK2/8 b - - 0 1")) is not None
    tables.close()


def test_closed_tables_hold_no_file() -> None:
    tables = Tablebase("")
    position = Position.from_text(GAME, "8/8/8/3k4/8/8/4QK2/8 b - - 0 1")
    assert tables.kept(position) is not None
    (used, *_) = [table for name, table in tables._tables.wdl.items() if name == "KQvK"]
    tables.close()
    assert used.data is None or used.data.closed
    assert tables.kept(position) is None
