"""One `go`: the search, what is said of it meanwhile, and its move."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.result import SearchResult
from engine.settings import MOST_SECONDS
from games.chess_text import board_of
from games.errors import TandemError
from interfaces.tablebase import Kept, Tablebase
from interfaces.uci.board import Board
from interfaces.uci.limits import Halt, Limits
from interfaces.uci.options import Options
from interfaces.uci.report import Work, info_lines
from players.player import EnginePlayer

MOST_SIMULATIONS = 2**30  # the tree counts visits in 32 bits, and keeps those of earlier searches
SOON, LATER = 0.05, 1.0  # seconds between infos: at least, and at most


@dataclass(frozen=True)
class Budget:
    """What a move may take where `go` says nothing, of which one at least is given."""

    simulations: int | None
    seconds: float | None


class Thinking:
    """One search of the board's position."""

    def __init__(
        self,
        player: EnginePlayer,
        board: Board,
        limits: Limits,
        options: Options,
        halt: Halt,
        budget: Budget,
        tables: Tablebase | None,
        say: Callable[[str], None],
    ) -> None:
        self._player, self._search, self._position = player, player.search, board.position
        self._limits, self._halt, self._say = limits, halt, say
        self._lines, self._show_wdl = options.number("MultiPV"), options.on("UCI_ShowWDL")
        overhead = options.number("Move Overhead") / 1000
        bare = limits.bare(board.black)
        seconds = budget.seconds if bare else limits.seconds(board.black, overhead)
        self._seconds = None if seconds is None else min(seconds, MOST_SECONDS)
        cap = options.number("Simulations") or MOST_SIMULATIONS
        counted = budget.simulations if bare else limits.simulations
        self._simulations = None if counted is None and cap == MOST_SIMULATIONS else min(counted or cap, cap)
        self._thorough = options.on("UCI_AnalyseMode") or self._lines > 1
        self._tables = tables
        self._kept: Kept | None = None
        self._deadline: float | None = None
        self._pondering = limits.ponder
        self._before = 0  # simulations, of the search until the ponderhit
        self._said = halt.began  # when the last info was
        self._said_depth = 0

    def answer(self) -> str:
        """The line with the move, when it is due. What is known is said before."""
        if not self._position.playable:
            return self._over()
        moves = self._choice()
        result = self._run(moves)
        if self._pondering:
            self._halt.wait(for_hit=True)
            self._pondering = False
            if not self._halt.stopped and result.proven is None and not self._spent(self._before + result.simulations):
                self._before += result.simulations
                result = self._run(moves)
        self._tell(result)
        if self._limits.infinite:
            self._halt.wait(for_hit=False)
        ponder = f" ponder {result.pv[1]}" if len(result.pv) > 1 else ""
        return f"bestmove {result.move}{ponder}"

    def _over(self) -> str:
        """The answer where the game is over by our rules, though the program asks for a move and there may be one."""
        board = board_of(self._position.game.record(self._position.state))
        move = next(iter(board.legal_moves), None)
        self._say(f"info depth 0 score {'mate 0' if board.is_checkmate() else 'cp 0'}")
        if self._limits.infinite or self._limits.ponder:
            self._halt.wait(for_hit=not self._limits.infinite)
        return f"bestmove {move.uci() if move else '0000'}"

    def _choice(self) -> list[int] | None:
        """The actions to choose from: those asked for and legal, of which the tables leave what keeps the outcome."""
        position, chosen = self._position, None
        if self._limits.moves:
            legal = {position.game.format_action(position.state, action): action for action in position.legal()}
            chosen = [legal[move] for move in self._limits.moves if move in legal] or None
            if chosen is None:
                self._say("info string none of the searchmoves is legal; all moves are searched")
        if chosen is None and self._tables is not None:
            self._kept = self._tables.kept(position)
            chosen = self._kept.actions if self._kept else None
        return chosen

    def _run(self, moves: list[int] | None) -> SearchResult:
        """Search until the limits, the program or a proof end it; without limits while pondering."""
        search, halt = self._search, self._halt
        seconds = None if self._pondering else self._seconds
        simulations = None if self._simulations is None else max(1, self._simulations - self._before)
        clocked = seconds is not None and "movetime" not in self._limits.numbers
        search.options["early_stop"] = clocked and not self._thorough and search.mode.plies_of_search is None
        search.start(self._position, moves)
        self._deadline = None if seconds is None else (halt.hit or halt.began) + seconds
        if self._deadline is not None:
            seconds = max(self._deadline - time.monotonic(), 1e-3)
        elif simulations is None:
            seconds, simulations = MOST_SECONDS, MOST_SIMULATIONS
        return search.run(self._position, simulations=simulations, seconds=seconds, stop=self._due, moves=moves)

    def _due(self) -> bool:
        """Whether to stop now; says what is known where it is time for that. The search asks every few milliseconds."""
        now, halt, search = time.monotonic(), self._halt, self._search
        if halt.stopped or (self._pondering and halt.hit is not None):
            return True
        if self._deadline is not None and now >= self._deadline:
            return True
        if search.proven:
            return True
        quiet = now - self._said
        nodes = self._before + search.simulations
        if search.simulations and quiet >= SOON and (quiet >= LATER or Work(nodes, 0, 0, 0).depth > self._said_depth):
            self._tell(search.result())
        return False

    def _spent(self, simulations: int) -> bool:
        return self._simulations is not None and simulations >= self._simulations

    def _tell(self, result: SearchResult) -> None:
        tree = self._search.trees[0]
        hits = 0 if self._kept is None else len(self._kept.actions)
        nodes = self._before + result.simulations
        work = Work(nodes, time.monotonic() - self._halt.began, int(tree.used[0]) / tree.nodes.shape[1], hits)
        tables = None if self._kept is None else self._kept.outcome
        for line in info_lines(self._search, result, self._lines, work, show_wdl=self._show_wdl, tables=tables):
            self._say(line)
        self._said, self._said_depth = time.monotonic(), work.depth


def first_move(board: Board) -> str:
    """A legal move where the search has failed; a program counts a missing one as a lost game."""
    legal = board.position.legal()
    if not legal:
        raise TandemError("there is no legal move")
    return f"bestmove {board.game.format_action(board.position.state, legal[0])}"
