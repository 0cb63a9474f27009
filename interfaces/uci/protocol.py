"""The conversation: lines in, lines out. Numba and torch are imported after `uciok`, as they take seconds.

The thread that reads answers what cannot wait (`stop`, `isready` in mid-search) and leaves the rest, in order, to the
one that works: the main thread, where kernels compile, nets load and the search runs.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from games.cli import in_background, version
from games.errors import TandemError
from interfaces.uci.limits import Halt, Limits, parse_go
from interfaces.uci.options import BEST, Options

if TYPE_CHECKING:
    from interfaces.session import Session
    from interfaces.tablebase import Tablebase
    from interfaces.uci.board import Board
    from players.player import EnginePlayer

QUIT_SECONDS = 10.0  # to end a search, or to have begun
Words = list[str]


class Uci:
    """One engine. `hear` takes a line at any time; `work` does what the lines ask for, until `quit`."""

    def __init__(self, flags: Mapping[str, str | None], say: Callable[[str], None]) -> None:
        """`flags` are those of play.py by name: mode, run, model, simulations, seconds, seed; `say` takes a line.

        TandemError for a number of simulations that is none.
        """
        self._flags, self._say_line, self._lock = flags, say, threading.Lock()
        self.options = Options({"Simulations": flags.get("simulations") or "0"})
        self._jobs: queue.SimpleQueue[tuple[str, str, Halt | None]] = queue.SimpleQueue()
        self._halt = Halt()  # of the last `go`
        self._halt.answered.set()
        self._board: Board | None = None
        self._session: Session | None = None
        self._loaded: dict[str, str] | None = None  # the options that the session was opened with
        self._tables: Tablebase | None = None
        self._work: dict[str, Callable[[str], None]] = {
            "isready": self._isready,
            "setoption": self._setoption,
            "ucinewgame": self._ucinewgame,
            "position": self._position,
            "load": self._load_ahead,
        }

    def say(self, line: str) -> None:
        """Write a line, of whichever thread."""
        with self._lock:
            self._say_line(line)

    def hear(self, line: str) -> bool:
        """Answer a line, or leave it to `work`; False when it ends the conversation.

        Words before the first command are passed over, as the protocol asks.
        """
        words = line.replace("\0", " ").split()
        while words:
            name = words.pop(0)
            rest = " ".join(words) if name != "setoption" else line.partition(name)[2].strip()
            if name == "uci":
                self._uci()
            elif name == "stop":
                self._halt.stop()
            elif name == "ponderhit":
                self._halt.ponderhit()
            elif name == "quit":
                self.close()
                return False
            elif name == "isready" and not self._halt.answered.is_set():
                self.say("readyok")
            elif name == "go":
                self._halt.stop()  # two at once there cannot be
                self._halt = Halt()
                self._jobs.put((name, rest, self._halt))
            elif name in self._work:
                self._jobs.put((name, rest, None))
            elif name not in ("debug", "register"):
                continue
            return True
        return True

    def close(self) -> None:
        """End the search that is under way, and then `work`."""
        self._halt.stop()
        self._jobs.put(("quit", "", None))

    def work(self) -> None:
        """Do what was heard, in order, until `quit`. TandemError when the command line asks for what cannot be had."""
        while (job := self._jobs.get())[0] != "quit":
            name, rest, halt = job
            try:
                if halt is None:
                    self._work[name](rest)
                else:
                    self._go(parse_go(rest.split()), halt)
            except TandemError as error:
                if self._session is None:
                    raise
                self._tell(error)
            finally:
                if halt is not None:
                    halt.answered.set()

    def _tell(self, error: object) -> None:
        self.say(f"info string {' '.join(str(error).split())}")

    def _uci(self) -> None:
        self.say(f"id name Tandem {version()}")
        self.say("id author the Tandem developers")
        for line in self.options.lines:
            self.say(line)
        self.say("uciok")
        self._jobs.put(("load", "", None))

    def _load_ahead(self, rest: str) -> None:
        """The imports, while the program thinks about its options; the rest waits for these."""
        import interfaces.opening
        import interfaces.uci.thinking  # noqa: F401

    def _isready(self, rest: str) -> None:
        self._player()
        self.say("readyok")

    def _setoption(self, rest: str) -> None:
        try:
            name = self.options.set(rest)
            if name == "SyzygyPath":
                from interfaces.tablebase import Tablebase

                tables = Tablebase(self.options.text(name), self._tell)
                if self._tables is not None:
                    self._tables.close()
                self._tables = tables
        except TandemError as error:
            self._tell(error)

    def _ucinewgame(self, rest: str) -> None:
        if self._session is not None:
            self._player().new_game()

    def _position(self, rest: str) -> None:
        self._player()
        assert self._board is not None
        self._board.set(rest)

    def _go(self, limits: Limits, halt: Halt) -> None:
        player = self._player()
        assert self._board is not None
        assert self._session is not None
        for words in limits.refused:
            self._tell(words)
        if "perft" in limits.numbers:
            self._perft(limits.numbers["perft"], halt)
            return
        from interfaces.uci.thinking import Budget, Thinking, first_move

        spec = self._session.spec
        budget = Budget(spec.simulations, spec.seconds)
        try:
            line = Thinking(player, self._board, limits, self.options, halt, budget, self._tables, self.say).answer()
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is: a game is worth more than a search, and says so on both ends
            traceback.print_exc()
            self._tell(f"the search failed: {error!r}; the move is any that is legal")
            line = first_move(self._board)
        self.say(line)

    def _perft(self, depth: int, halt: Halt) -> None:
        from interfaces.uci.perft import MOST_DEPTH, split

        assert self._board is not None
        if depth > MOST_DEPTH:
            self._tell(f"perft counts {MOST_DEPTH} plies at most")
        try:
            found = split(self._board.position.copy(), min(max(1, depth), MOST_DEPTH), lambda: halt.stopped)
        except Exception as error:  # whatever it is: the game goes on
            traceback.print_exc()
            self._tell(f"perft failed: {error!r}")
            return
        for move, leaves in found.items():
            self.say(f"{move}: {leaves}")
        self.say(f"\nNodes searched: {sum(found.values())}\n")

    def _player(self) -> EnginePlayer:
        """The player that the options ask for; where it cannot be had, the last one, and the options go back.

        Before the first, that is the command line's own; TandemError when not even that can be had.
        """
        from players.player import EnginePlayer

        wanted = self.options.engine()
        if wanted != self._loaded:
            try:
                self._open(wanted)
            except TandemError as error:
                if not wanted:
                    raise
                self.options.restore(self._loaded or {})
                self._tell(error)
                if self._loaded is None:
                    self._open({})
        assert self._session is not None
        player = self._session.player
        assert isinstance(player, EnginePlayer)  # the solver solves no game that may repeat positions
        return player

    def _open(self, wanted: dict[str, str]) -> None:
        from interfaces.opening import open_session
        from interfaces.tablebase import Tablebase
        from interfaces.uci.board import Board

        flags = {**self._flags, "threads": wanted.get("Threads"), "memory": wanted.get("Hash")}
        mode = flags.pop("mode")
        if (asked := wanted.get("Mode", BEST)) != BEST:  # with the options that the command line gives its mode
            mode = asked + "".join((mode or "").partition(":")[1:])
        if wanted.get("Model"):
            flags |= {"run": None, "model": wanted["Model"]}
        try:
            session, headline = open_session("chess", mode, **flags)
            session.player  # noqa: B018 - loads the net and compiles the kernels, or refuses
        except MemoryError:
            size = f" of {wanted['Hash']} MB" if "Hash" in wanted else ""
            raise TandemError(f"Hash: there is no memory for a tree{size}; set it lower") from None
        self._board = self._board or Board(session.game)
        self._tables = self._tables or Tablebase("", self._tell)
        if self._session is not None:
            self._session.close()
        self._session, self._loaded = session, wanted
        print(headline, file=sys.stderr, flush=True)


def run_uci(flags: Mapping[str, str | None], stdin: TextIO | None = None, stdout: TextIO | None = None) -> int:
    """Be the engine until `quit` or the end of the input; 0. TandemError for flags that cannot be had."""
    source, sink = stdin or sys.stdin, stdout or sys.stdout

    def say(line: str) -> None:
        sink.write(line + "\n")
        sink.flush()

    uci = Uci(flags, say)
    ended = threading.Event()

    def read() -> None:
        with contextlib.suppress(BrokenPipeError):  # the next line that is written ends the program
            while (line := source.readline()) and uci.hear(line):
                pass
        uci.close()
        if not ended.wait(QUIT_SECONDS):
            os._exit(0)  # in the midst of a compilation, which nothing calls off

    in_background(read)
    try:
        uci.work()
    finally:
        ended.set()
    return 0
