"""What is typed while a program thinks: not shown, and read afterwards as ever."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_found: list[Any] = []  # the terminal's settings, while they are others


@contextmanager
def unechoed() -> Iterator[None]:
    """Show nothing of what is typed while the body runs, Ctrl-C included; for terminals other than Windows' own."""
    if _found or sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    _found.append(termios.tcgetattr(sys.stdin))
    quiet = termios.tcgetattr(sys.stdin)
    quiet[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
        yield
    finally:
        restore_echo()


def restore_echo() -> None:
    """End that now; for a program that ends in the middle of it."""
    if _found and sys.platform != "win32":
        import termios

        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, _found.pop())
