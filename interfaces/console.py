"""The line that a person, or a pipe, types on."""

import contextlib
import os
import sys


class Console:
    """Reads lines from stdin and writes to stdout; history and colour on a terminal alone."""

    def __init__(self) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        if self.interactive:
            # With it, input() has line editing and a history; Windows consoles have their own.
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401

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

    def write(self, text: str = "", *, strong: bool = False) -> None:
        """Print a line or several, `strong` where they are what a person waits for."""
        print(f"\033[1m{text}\033[0m" if strong and self.colour else text, flush=True)
