"""A running engine: a program that is spoken to by lines, on its standard input and output."""

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from typing import IO

from players.choice import Forfeit

REPLY_SECONDS = 60.0
QUIT_SECONDS = 1.0  # what an engine gets to end by itself


class EngineProcess:
    """One running engine. Every failure is a Forfeit that names the command and the line it failed at."""

    protocol = ""

    def __init__(self, command: str, reply_seconds: float) -> None:
        """Start the command line `command`; raises TandemError when the system cannot."""
        self.command, self.reply_seconds = command, reply_seconds
        try:
            self._process = subprocess.Popen(
                shlex.split(command, posix=os.name == "posix"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                # A group of its own: it can be ended with its children, and a Ctrl-C in the terminal is ours alone.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise Forfeit(f"{self.protocol} engine '{command}' does not start: {why}; check its command line") from None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._last_words: deque[str] = deque(maxlen=1)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read_answers, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_complaints, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def tell(self, line: str) -> None:
        """Send one line. Raises Forfeit when the engine has died."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died(line) from None

    def hear(self, line: str, deadline: float) -> str:
        """The next line of what it answers to `line`, by `deadline` of time.monotonic.

        Raises Forfeit, and kills the engine, when it dies or is silent.
        """
        try:
            got = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            self.kill()
            raise Forfeit(
                f"{self.protocol} engine '{self.command}' gave no answer to '{line}' within {self.reply_seconds:g} s"
            ) from None
        if got is None:
            raise self._died(line)
        return got.strip()

    def close(self) -> None:
        """Ask the engine to quit, then end its process group, whatever is left of it."""
        with contextlib.suppress(Forfeit, ValueError):
            self.tell("quit")
            self._readers[0].join(QUIT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process group. Safe to call again."""
        # The engine is not waited for before: its process id cannot pass to another program meanwhile.
        if self._process.returncode is None:
            _kill_group(self._process)
            self._process.wait()
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        for reader in self._readers:
            reader.join(QUIT_SECONDS)

    def _died(self, line: str) -> Forfeit:
        # Its end of the pipe is closed; a moment for an exit code of its own rather than of our kill.
        self._readers[1].join(QUIT_SECONDS)
        self.kill()
        words = f": {self._last_words[0]}" if self._last_words else ""
        code = self._process.returncode
        return Forfeit(f"{self.protocol} engine '{self.command}' ended at '{line}' (exit code {code}){words}")

    def _read_answers(self, stream: IO[str]) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    def _read_complaints(self, stream: IO[str]) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            for line in stream:
                if line.strip():
                    self._last_words.append(line.strip())


def _kill_group(process: "subprocess.Popen[str]") -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
