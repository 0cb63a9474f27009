"""Nets that are a formula, tiny settings, games of a few lines, and the plain truth about tic-tac-toe."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluator import Evaluator
from engine.position import Position
from games.contract import Game
from selfplay.actor import Actor
from selfplay.config import TrainConfig, default_config
from selfplay.records import GameBatch


class FakeNet:
    """Outputs that are a fixed function of the planes, near to uniform priors and even values."""

    net_id = "fake"

    def evaluate(self, planes: Any, logits: Any, wdl: Any) -> None:
        flat = planes.reshape(len(planes), -1).astype(np.float64)
        seeds = np.arange(1, flat.shape[1] + 1)
        for out, scale in ((logits, 1.0), (wdl, 0.3)):
            out[:] = scale * np.sin(flat @ np.sqrt(np.outer(seeds, np.arange(2, 2 + out.shape[1]))))
        wdl[:] = np.exp(wdl) / np.exp(wdl).sum(1, keepdims=True)


def tiny(game: Game, **changes: Any) -> TrainConfig:
    """The game's settings, cut down to what takes a moment."""
    small: dict[str, Any] = {
        "net": "mlp:16",
        "games_per_actor": 16,
        "plies_per_round": 200,
        "batch": 32,
        "simulations": 24,
        "executor": "threads",
        "proof_nodes": 0,
    }
    return replace(default_config(game), **{**small, "fast_simulations": 8, **changes})


def played(game: Game, plies: int = 400, net: Evaluator | None = None, **changes: Any) -> GameBatch:
    """The games of a fresh actor."""
    return Actor(game, tiny(game, **changes), net or FakeNet()).play(plies)


@cache
def minimax(board: str = "." * 9) -> dict[int, int]:
    """Value of each move for the player to move, -1, 0 or 1; x moves first, cells as in games/tictactoe.py."""
    mark = "xo"[board.count("x") > board.count("o")]
    if over(board):
        return {}
    after = {c: board[:c] + mark + board[c + 1 :] for c in range(9) if board[c] == "."}
    return {c: 1 if over(b) == mark else -max(minimax(b).values(), default=0) for c, b in after.items()}


def over(board: str) -> str:
    """The mark of three in a row, "draw" for a full board, "" while the game goes on."""
    for a, b, c in ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)):
        if board[a] == board[b] == board[c] != ".":
            return board[a]
    return "" if "." in board else "draw"


def board_of(position: Position) -> str:
    """A tic-tac-toe position as minimax reads it, from its moves alone."""
    cells = ["."] * 9
    for ply, cell in enumerate(position.actions):
        cells[cell] = "xo"[ply % 2]
    return "".join(cells)


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


WORDS = """

def format_action(s, a):
    return str(a)


def parse_action(s, text):
    return int(text)


def to_text(s):
    return " ".join(str(int(value)) for value in s.tolist())


def from_text(text, s):
    for name, value in zip(STATE.names, text.split(), strict=True):
        s[name] = int(value)


def render(s):
    return to_text(s)
"""

# Two tokens on a ring of five: step either way; to land on the other wins. Nothing else ends it but the count.
CHASE = '''"""Two tokens on a ring."""

import numpy as np

STATE = np.dtype([("mine", "i8"), ("theirs", "i8")])
ACTIONS, MAX_LEGAL, PLANES = 2, 2, (2, 1, 5)
MAX_PLIES = PARAMS.get("length", 30)
REPETITION = PARAMS.get("repetition", 3)


def start(s):
    s.mine = 0
    s.theirs = 2


def legal(s, out):
    if s.mine == s.theirs:
        return 0
    out[0] = 1
    out[1] = 0
    return 2


def play(s, a):
    moved = (s.mine + (1 if a == 1 else 4)) % 5
    s.mine = s.theirs
    s.theirs = moved


def outcome(s):
    return -1.0


def encode(s, planes):
    planes[:] = 0
    planes[0, 0, s.mine] = 1
    planes[1, 0, s.theirs] = 1
'''

# Take one or two of eleven stones, the last one wins; at a multiple of three, pass first.
STONES = '''"""Take stones, with passes."""

import numpy as np

STATE = np.dtype([("stones", "i8"), ("passed", "i8")])
ACTIONS, MAX_LEGAL, MAX_PLIES, PLANES = 3, 2, 40, (2, 1, 12)


def start(s):
    s.stones = 11
    s.passed = 0


def legal(s, out):
    if s.stones == 0:
        return 0
    if s.stones % 3 == 0 and s.passed == 0:
        out[0] = 0
        return 1
    out[0] = 2
    out[1] = 1
    return 2 if s.stones > 1 else only_one(out)


def only_one(out):
    out[0] = 1
    return 1


def play(s, a):
    s.stones -= a
    s.passed = 1 if a == 0 else 0


def outcome(s):
    return -1.0


def encode(s, planes):
    planes[:] = 0
    planes[s.passed, 0, s.stones] = 1
'''


def write_game(folder: Path, name: str, source: str) -> str:
    """A game file in `folder`; returns its path for games.load."""
    path = folder / f"{name}.py"
    path.write_text(source + WORDS)
    return str(path)
