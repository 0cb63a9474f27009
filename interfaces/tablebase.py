"""Syzygy endgame tables (https://syzygy-tables.info) at the root, read by python-chess."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import chess
import chess.syzygy

from engine.exact import Solution
from engine.position import Position
from games.chess_text import board_of
from games.errors import TandemError

SHIPPED = Path(__file__).resolve().parent / "syzygy"
WIN, LOSS = 2, -2  # of the tables; 1 and -1 are those that the fifty moves turn into draws
CLAIM_PLIES = 100


class Kept(NamedTuple):
    """The actions that keep what a position is worth, and that worth: 1, 0 or -1 for the player to move."""

    actions: list[int]
    outcome: int


class Tablebase:
    """The tables of three men that ship, and those of further folders."""

    def __init__(self, path: str, tell: Callable[[str], None] | None = None) -> None:
        """`path` holds folders, separated as the system does, or nothing; `tell` hears of the first damaged table.

        TandemError when a folder is missing or none of them has a table.
        """
        self._tell = tell
        self._tables = chess.syzygy.Tablebase()
        self._tables.add_directory(str(SHIPPED))
        found = 0 if path else 1
        for folder in path.split(os.pathsep) if path else ():
            try:
                found += self._tables.add_directory(folder)
            except OSError as error:
                self.close()
                raise TandemError(f"SyzygyPath: cannot read {folder}: {error.strerror}") from None
        if not found:
            self.close()
            raise TandemError(f"SyzygyPath: no tables (.rtbw, .rtbz) in {path}")
        self._most = max(sum(name.count(piece) for piece in "KQRBNP") for name in self._tables.wdl)

    def close(self) -> None:
        """Give up the files; nothing can be asked afterwards."""
        self._tables.close()

    def kept(self, position: Position) -> Kept | None:
        """What the tables say; None where they say nothing, for one move at least.

        Of the winning moves, all that win within the fifty moves: the search may choose. Where it makes no headway,
        against a bare king or once a position has come again, the quickest to the next capture or pawn move.
        """
        board = board_of(position.game.record(position.state))
        ranks = self._ranks(board)
        if ranks is None:
            return None
        best = max(wdl for wdl, _ in ranks.values())
        chosen = {move: plies for move, (wdl, plies) in ranks.items() if wdl == best}
        if best == WIN:
            since = position.keys[-1 - board.halfmove_clock :]
            stuck = len(set(since)) < len(since) or board.occupied_co[not board.turn].bit_count() == 1
            quickest = min(chosen.values())
            most = quickest if stuck else max(CLAIM_PLIES - 1 - board.halfmove_clock, quickest)
            chosen = {move: plies for move, plies in chosen.items() if plies <= most}
        actions = [position.game.parse_action(position.state, move.uci()) for move in chosen]
        return Kept(actions, (best == WIN) - (best == LOSS))

    def solutions(self, position: Position) -> dict[int, Solution]:
        """What the tables prove of each action, for the player who makes it; nothing where one of them is not known.

        A win or a loss that the fifty moves or a third occurrence may still turn into a draw is proven by half.
        """
        began, board = time.perf_counter(), board_of(position.game.record(position.state))
        ranks = self._ranks(board, of_losses=True) or {}
        since = position.keys[-1 - board.halfmove_clock :]
        fresh = len(set(since)) == len(since)
        bounds = {}
        for move, (wdl, plies) in ranks.items():
            after, outcome = position.copy(), (wdl == WIN) - (wdl == LOSS)
            action = after.game.parse_action(after.state, move.uci())
            after.play(action)
            if after.ended:
                bounds[action] = (-int(after.outcome()),) * 2
            elif plies == 1 or (fresh and board.halfmove_clock + plies < CLAIM_PLIES):
                bounds[action] = outcome, outcome
            else:
                bounds[action] = min(outcome, 0), max(outcome, 0)
        seconds = (time.perf_counter() - began) / max(1, len(bounds))
        return {action: Solution(lower, upper, None, 0, seconds) for action, (lower, upper) in bounds.items()}

    def _ranks(self, board: chess.Board, *, of_losses: bool = False) -> dict[chess.Move, tuple[int, int]] | None:
        """The rank of each move; None where one of them has none."""
        if board.occupied.bit_count() > self._most + 1:  # a capture may lead to the tables
            return None
        try:
            return {move: self._rank(board, move, of_losses) for move in board.legal_moves}
        except KeyError:  # no table for what follows one of the moves
            return None
        except Exception as error:  # whatever the bytes of a damaged table lead to
            if self._tell is not None:
                self._tell(f"SyzygyPath: a damaged table is passed over: {error!r}")
                self._tell = None
            return None

    def _rank(self, board: chess.Board, move: chess.Move, of_losses: bool) -> tuple[int, int]:
        """The worth of a move by the tables, and how many plies a win takes to its next capture or pawn move.

        Those of a loss are counted where they are asked for, else 1 as those of a draw.
        """
        zeroes = board.is_zeroing(move)
        board.push(move)
        try:
            if board.is_checkmate():
                return WIN, 1
            if board.is_insufficient_material() or board.is_stalemate():
                return 0, 0
            wdl = -self._tables.probe_wdl(board)
            counted = wdl > 0 or (wdl < 0 and of_losses)
            return wdl, 1 + abs(self._tables.probe_dtz(board)) if counted and not zeroes else 1
        finally:
            board.pop()
