"""Start-up, answers and memory: python benchmarks/start.py.

Warm: seconds to the help of train.py, to the first prompt of play.py and to the first GTP answer. Cold: the same with
an empty kernel cache. Answer: milliseconds from the end of a search to the board with the move on the screen, by game.
Memory: what a search of a million simulations adds to the idle process.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from games.processes import processor  # noqa: E402

SEARCH = """
import resource, sys
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
game = load("connect4")
search = Search(game, Settings("search", early_stop=False))
search.run(Position(game), simulations=100)
status = lambda: int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) / 1024
before = status()
result = search.run(Position(game), simulations=1_000_000)
print(f"{status() - before:.0f} {result.simulations} {int(search.trees[0].used[0])}")
"""


def seconds_until(words: list[str], send: str, wanted: str, environment: dict[str, str] | None = None) -> float:
    """Seconds from launch until a line or prompt that contains `wanted` stands on the program's output."""
    began = time.perf_counter()
    program = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(send.encode())
    program.stdin.flush()
    seen = b""
    while wanted.encode() not in seen:
        data = os.read(program.stdout.fileno(), 4096)
        if not data:
            raise RuntimeError(f"{words} ended before it printed {wanted!r}: {seen!r}")
        seen += data
    taken = time.perf_counter() - began
    program.kill()
    program.wait()
    return taken


ANSWER = """
import contextlib, io, statistics, sys, time
from interfaces.console import Console
from interfaces.opening import open_session
from interfaces.terminal import Terminal

terminal = Terminal(open_session(sys.argv[1], None, seconds="0.1")[0], "none", Console())
ended, taken, reply, show = 0.0, [], terminal.session.reply, terminal.show

def searched(stop):
    global ended
    result = reply(stop)
    ended = time.perf_counter()
    return result

def shown():
    show()
    taken.append(1000 * (time.perf_counter() - ended))

terminal.session.reply, terminal.show = searched, shown
with contextlib.redirect_stdout(io.StringIO()):
    terminal.console = Console()
    for _ in range(21):
        terminal._try_engine_move()
        if terminal.session.position.ended:
            terminal.new_game()
print(f"{statistics.median(taken[1:]):.1f} ms ({min(taken[1:]):.1f} to {max(taken[1:]):.1f})")
"""
GAMES = ("tictactoe", "connect4", "othello", "gomoku", "hex", "breakthrough", "chess")

CASES = {
    "train.py --help": (["train.py", "--help"], "", "--strength-seconds"),
    **{f"play.py {game}, first prompt": (["play.py", game], "", "> ") for game in GAMES if game != "connect4"},
    "play.py connect4, first prompt": (["play.py", "connect4"], "", "> "),
    "play.py connect4 --gtp, first answer": (["play.py", "connect4", "--gtp"], "name\n", "= "),
    "play.py connect4 --gtp, first genmove": (["play.py", "connect4", "--gtp"], "genmove b\n", "= "),
}


def main() -> None:
    """Print every figure."""
    print(processor())
    for name, (words, send, wanted) in CASES.items():
        seconds_until(words, send, wanted)
        found = [seconds_until(words, send, wanted) for _ in range(5)]
        print(f"  warm: {name:<40} {statistics.median(found):5.2f} s  ({min(found):.2f} to {max(found):.2f})")
    for name, (words, send, wanted) in CASES.items():
        if "connect4" not in name:
            continue
        with tempfile.TemporaryDirectory() as cache:
            taken = seconds_until(words, send, wanted, {"NUMBA_CACHE_DIR": cache})
        print(f"  cold: {name:<40} {taken:5.2f} s")
    for game in GAMES:
        words = [sys.executable, "-c", ANSWER, game]
        out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        print(f"  answer on screen after the search: {game:<12} {out.strip()}")
    out = subprocess.run([sys.executable, "-c", SEARCH], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    megabytes, simulations, nodes = out.split()
    print(f"  a search of {int(simulations):,} simulations ({int(nodes):,} nodes) added {megabytes} MB")


if __name__ == "__main__":
    main()
