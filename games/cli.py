"""What every command shares: flags that are refused with a suggestion, and one way to end."""

import argparse
import io
import itertools
import os
import re
import shutil
import signal
import sys
import textwrap
import threading
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from games.errors import TandemError, nearest

ROOT = Path(__file__).resolve().parent.parent
INSTALL = "python3 -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt -e ."
BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
HELP_WIDTH, HELP_INDENT = 100, 26  # columns
_background: list[threading.Thread] = []


class _Formatter(argparse.HelpFormatter):
    """Short of lines, that the help may fit on one screen."""

    def __init__(self, prog: str) -> None:
        columns = shutil.get_terminal_size((HELP_WIDTH, 24)).columns
        super().__init__(prog, max_help_position=HELP_INDENT, width=max(columns, HELP_WIDTH // 2))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Fill paragraphs, but leave commands whole, to be copied: what one does is below where there is no room."""

        def fill(words: str, before: str) -> str:
            lines = textwrap.wrap(words, width - len(before), break_on_hyphens=False, break_long_words=False)
            return "\n".join(before + line for line in lines)

        filled = []
        for kind, lines in itertools.groupby(text.rstrip().split("\n"), _kind_of_line):
            if kind == "prose":
                filled.append(fill(" ".join(lines), indent))
                continue
            for line in lines:
                command, *about = re.split(r"(?<=\S) {2,}", indent + line, maxsplit=1)
                closer = "  ".join([command, *about])
                if len(indent + line) <= width:
                    filled.append(indent + line)
                elif len(closer) <= width:
                    filled.append(closer)
                else:
                    filled += [command, *(fill(words, indent + HELP_INDENT * " ") for words in about)]
        return "\n".join(filled)


def _kind_of_line(line: str) -> str:
    return "command" if line.lstrip().startswith("python ") else "prose" if line.strip() else "blank"


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose refusals are TandemErrors: one line, with the nearest flag, or choice, to an unknown one.

    Descriptions and epilogs may hold commands, a line each, with what they do after two blanks.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        # Abbreviations would become ambiguous, and scripts break, with every flag that is added.
        super().__init__(allow_abbrev=False, add_help=False, **options)
        # Not listed: whoever reads the list has found it.
        self.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)

    # The base class types this by overloads, for namespaces of one's own, which no command here needs.
    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse as argparse does; TandemError names the first word that fits nowhere."""
        parsed, extra = self.parse_known_args(args, namespace)
        flags = [word.partition("=")[0] for word in extra if word.startswith("-")]
        if flags:
            hint = nearest(flags[0], self._option_string_actions) or "--help lists the flags"
            raise TandemError(f"unknown flag {flags[0]}: {hint}")
        if extra:
            raise TandemError(f"unexpected '{extra[0]}': --help shows the usage")
        return parsed

    def error(self, message: str) -> NoReturn:
        """Refuse, where argparse would print its usage and exit."""
        message = message.removeprefix("argument ")
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            hint = nearest(found[1], re.findall(r"[\w-]+", found[2]))
            message = message.replace("(choose", f"({hint}choose")
        raise TandemError(message)


def version() -> str:
    """The project's version."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def in_background(work: Callable[[], object]) -> None:
    """Run `work` in a thread that the end of the program does not wait for, wherever it is then."""
    _background.append(threading.Thread(target=work, daemon=True))
    _background[-1].start()


def run_main(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command on the words of the command line and exit with the code that it returns.

    A TandemError is one line on stderr and code 2, Ctrl-C a line and code 130; a reader that closed its end of the
    pipe is no error to speak of.
    """
    for stream in (sys.stdin, sys.stdout):
        # No byte that somebody types, and no sign that a terminal lacks, is worth a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - None where the caller closed it
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except TandemError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = BAD_INPUT
    except MemoryError:
        print("error: out of memory; ask for less, or for smaller settings", file=sys.stderr)
        code = BAD_INPUT
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes stdout once more on its way out, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = BROKEN_PIPE
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in sys.stdlib_module_names or (ROOT / missing).is_dir():
            raise
        print(f"error: the package {missing} is not installed here; in the clone, {INSTALL}", file=sys.stderr)
        code = BAD_INPUT
    except Exception as error:
        if not any(kind.__name__ == "NumbaError" for kind in type(error).__mro__):
            raise
        from games.typed import reason  # imports Numba, which this error has done already

        print(f"error: a rule of the game {reason(str(error))}; python -m games.check GAME says more", file=sys.stderr)
        code = BAD_INPUT
    # Threads may still be finishing: a second Ctrl-C then ends the program instead of printing a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if any(thread.is_alive() for thread in _background):
        # The interpreter's own end would take modules away from under a thread that imports them, and may crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
