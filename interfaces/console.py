"""The line that a person, or a pipe, types on, and what is shown above it."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from rich.console import Console as RichConsole
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

PIPE_WIDTH = 100  # columns that tables may take where there is no terminal


class _Rich(RichConsole):
    def on_broken_pipe(self) -> NoReturn:
        """Let run_main end the command, as it does wherever else a reader goes away."""
        raise  # called where BrokenPipeError is handled


class Console:
    """Reads lines from stdin and writes to stdout; history, colour and single keys on a terminal alone."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        """`ascii_only` keeps to ASCII where the terminal's encoding could do more."""
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        terminal, dumb = sys.stdout.isatty(), os.environ.get("TERM") in ("dumb", "unknown")
        self.colour = terminal and not os.environ.get("NO_COLOR") and not dumb
        self.live = self.interactive and not dumb  # whether what was written may be written over
        # A pipe gets the letters that the game draws, wherever it runs.
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        self.unicode = terminal and not ascii_only and encoding.startswith("utf")
        self._rich = _Rich(
            color_system="auto" if self.colour else None,
            force_terminal=terminal,
            width=None if terminal or "COLUMNS" in os.environ else PIPE_WIDTH,
            highlight=False,
            markup=False,
            emoji=False,
            safe_box=True,
        )
        if self.interactive:
            # With it, input() has line editing and a history; Windows consoles have their own.
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401

    @property
    def width(self) -> int:
        """Columns, as the terminal has them now."""
        return self._rich.width

    @property
    def height(self) -> int:
        """Lines, as the terminal has them now."""
        return self._rich.height

    def read(self, prompt: str) -> str:
        """The next line, without blanks around it. EOFError at the end of the input."""
        if self.interactive:
            return input(prompt).strip()
        # What a pipe sends is echoed, so that its transcript reads as a terminal's does.
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        self.write(line.strip())
        return line.strip()

    def write(self, text: RenderableType = "", *, strong: bool = False) -> None:
        """Print a line or several, `strong` where they are what a person waits for; a terminal breaks them at words."""
        shown = Text(text, "bold" if strong else "") if isinstance(text, str) else text
        self._print(shown, whole=isinstance(text, str) and not self.interactive)

    def draw(self, board: Text) -> None:
        """Print a board as it is: no line of it is broken here."""
        self._print(board, whole=True)

    def _print(self, shown: RenderableType, *, whole: bool) -> None:
        with self._rich.capture() as captured:
            self._rich.print(shown, soft_wrap=whole)
        # Columns are filled up with blanks, the last one too.
        print("\n".join(line.rstrip(" ") for line in captured.get().split("\n")), end="", flush=True)

    @contextlib.contextmanager
    def refreshing(self, again: Callable[[], None]) -> Iterator[Callable[[RenderableType], None]]:
        """What is shown by what is yielded takes the place of what was there; for terminals that can.

        `again` writes what is to stand above it, where the screen has been cleared.
        """

        def begin() -> Live:
            live = Live(console=self._rich, auto_refresh=False, transient=True)
            live.start()
            return live

        live, width = begin(), self.width

        def show(text: RenderableType) -> None:
            nonlocal live, width
            if self.width != width:
                # The terminal may have broken its lines anew: nobody knows how many are to be written over.
                live.stop()
                self._rich.clear()
                again()
                live, width = begin(), self.width
            live.update(text, refresh=True)

        try:
            yield show
        finally:
            live.stop()


class Keys:
    """Whether a key was pressed, asked without waiting, while the `with` lasts; never where there is no terminal.

    Line editing and echo are off meanwhile. Ctrl-C stays a signal. `caught` says whether one was pressed so far.
    """

    def __init__(self, console: Console, watched: bool = True) -> None:
        self._watched = watched and console.interactive
        self.caught = False
        self._before: object = None

    def __enter__(self) -> "Keys":
        if self._watched and sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            # What was typed ahead was meant for the search, not for the next prompt.
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, self._before)  # type: ignore[arg-type]

    def pressed(self) -> bool:
        """Whether a key waits; it is taken."""
        if not self._watched:
            return False
        if sys.platform == "win32":
            import msvcrt

            found = bool(msvcrt.kbhit() and msvcrt.getch())
        else:
            import select

            found = bool(select.select([sys.stdin], [], [], 0)[0])
            if found:
                os.read(sys.stdin.fileno(), 1024)
        self.caught = self.caught or found
        return found
