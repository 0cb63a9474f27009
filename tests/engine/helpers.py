"""Oracles and stand-ins that share nothing with the engine: brute force over texts, nets that are plain formulas."""

import itertools
import random
from functools import cache
from typing import Any

import numpy as np

from engine.perceptron import KernelNet
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from engine.tree import PENDING

SMALL = 8 << 20  # bytes of tree that the searches here need at most
# Passes, many moves, logits in another order than actions, moves that are no cells.
OTHERS = ["othello:size=6", "gomoku:size=5", "hex:size=4,swap=1", "breakthrough:size=6"]
LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


class FakeNet:
    """A net whose outputs are odd but fixed functions of the planes, the same in any batch."""

    net_id = "fake"

    def __init__(self, game, seed: int = 0, spread: float = 2.0) -> None:
        draw = np.random.default_rng(seed)
        cells = int(np.prod(game.planes))
        self.policy, self.value = (draw.integers(-999, 999, (cells, n)).astype(float) for n in (game.logits, 3))
        self.phase = draw.random(game.logits)  # an empty board has odd logits too
        self.spread, self.rows = spread, 0

    def evaluate(self, planes, logits, wdl) -> None:
        flat = planes.reshape(len(planes), -1).astype(float)
        logits[:] = self.spread * np.sin(flat @ self.policy + self.phase)
        odds = np.exp(self.spread * np.sin(flat @ self.value))
        wdl[:] = odds / odds.sum(axis=1, keepdims=True)
        self.rows += len(planes)


def random_layers(sizes, seed: int = 0) -> list[tuple[Any, Any]]:
    """(weight, bias) of each layer of a perceptron that is neither dead nor saturated."""
    draw = np.random.default_rng(seed)
    return [
        (
            draw.normal(0, (2 / inputs) ** 0.5, (outputs, inputs)).astype(np.float32),
            draw.normal(0, 0.3, outputs).astype(np.float32),
        )
        for inputs, outputs in itertools.pairwise(sizes)
    ]


def kernel_net(game, hidden=(24, 8), seed: int = 0) -> KernelNet:
    """A random kernel net for `game`."""
    return KernelNet("random", random_layers([int(np.prod(game.planes)), *hidden, game.logits + 3], seed))


class Outside:
    """A kernel net that a search does not know as one: gather and scatter run it."""

    def __init__(self, net: KernelNet) -> None:
        self.net_id, self.evaluate = net.net_id, net.evaluate


def ask(net, game, position) -> tuple[Any, Any]:
    """(logits, wdl) of one position, encoded by the game's plain function."""
    planes = np.zeros((1, *game.planes), np.float32)
    game.encode(game.record(position.state), planes[0])
    logits, wdl = np.zeros((1, game.logits), np.float32), np.zeros((1, 3), np.float32)
    net.evaluate(planes, logits, wdl)
    return logits[0], wdl[0]


def searcher(game, mode="search", seed=0, **settings) -> Search:
    """A Search with a small tree, and the fake net where the mode needs one."""
    return Search(game, Settings(mode, **{"seed": seed, "memory": SMALL, **settings}), FakeNet(game, seed))


@cache
def solve_tictactoe(board: str) -> tuple[int, int]:
    """(outcome for the player to move, plies to the end if both want it: soonest wins, latest losses)."""
    mover = "xo"[board.count("x") - board.count("o")]
    other = "ox"["xo".index(mover)]
    if any(all(board[c] == other for c in line) for line in LINES):
        return -1, 0
    if "." not in board:
        return 0, 0
    results = []
    for c in range(9):
        if board[c] == ".":
            value, plies = solve_tictactoe(board[:c] + mover + board[c + 1 :])
            results.append((-value, plies + 1))
    best = max(value for value, _ in results)
    lengths = [plies for value, plies in results if value == best]
    return best, min(lengths) if best > 0 else max(lengths)


def tictactoe_positions() -> list[str]:
    """Every reachable board that is not over."""
    seen, todo = set(), ["........."]
    while todo:
        board = todo.pop()
        if board in seen:
            continue
        mover = "xo"[board.count("x") - board.count("o")]
        if any(all(board[c] == m for c in line) for line in LINES for m in "xo") or "." not in board:
            continue
        seen.add(board)
        todo += [board[:c] + mover + board[c + 1 :] for c in range(9) if board[c] == "."]
    return sorted(seen)


@cache
def solve_columns(text: str, rows: int, connect: int) -> tuple[int, int]:
    """The same for Connect Four on any board, written as the game's to_text does."""
    columns = text.split("/")
    mover = "xo"[text.count("x") - text.count("o")]
    results = []
    for c, column in enumerate(columns):
        if len(column) == rows:
            continue
        after = [*columns[:c], column + mover, *columns[c + 1 :]]
        if _connects(after, c, mover, connect):
            return 1, 1
        results.append((c, after))
    if not results:
        return 0, 0
    solved = [solve_columns("/".join(after), rows, connect) for _, after in results]
    best = max(-value for value, _ in solved)
    lengths = [plies + 1 for value, plies in solved if -value == best]
    return best, min(lengths) if best > 0 else max(lengths)


def _connects(columns: list[str], c: int, mover: str, connect: int) -> bool:
    def at(x: int, y: int) -> bool:
        return 0 <= x < len(columns) and 0 <= y < len(columns[x]) and columns[x][y] == mover

    y = len(columns[c]) - 1
    for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
        ahead = next(n for n in range(99) if not at(c + n * dx, y + n * dy))
        behind = next(n for n in range(99) if not at(c - n * dx, y - n * dy))
        if ahead + behind - 1 >= connect:
            return True
    return False


def oracle(position: Position) -> tuple[int, int]:
    """(outcome for the player to move, distance) by brute force."""
    text = position.game.to_text(position.state)
    if position.game.name == "tictactoe":
        return solve_tictactoe(text)
    if position.ended:
        return int(position.outcome()), 0
    return solve_columns(text, position.game.parameters["rows"], position.game.parameters["connect"])


def after(position: Position, action: int) -> Position:
    """The position one action later."""
    later = position.copy()
    later.play(action)
    return later


def random_position(game, choose: random.Random, most: int) -> Position:
    """A position that is not over, up to `most` random plies from the start."""
    while True:
        position = Position(game)
        for _ in range(choose.randint(0, most)):
            if not position.ended:
                position.play(choose.choice(position.legal()))
        if not position.ended:
            return position


def tree_of(search: Search, index: int = 0):
    """The nodes in use."""
    tree = search.trees[index]
    return tree.nodes[0, : int(tree.used[0])]


def lines_of(nodes, node: int = 0, line: tuple[int, ...] = ()) -> dict[tuple[int, ...], tuple]:
    """{actions from the root: every number of the node but its place in memory} for a whole tree."""
    x = nodes[node]
    fields = ("visits", "q", "u", "plies", "lower", "upper", "child_count", "prior", "value", "draws")
    found = {line: tuple(x[name].item() for name in fields)}
    first = int(x["first_child"])
    assert first != PENDING
    for i in range(first, first + int(x["child_count"])) if first >= 0 else ():
        found |= lines_of(nodes, i, (*line, int(nodes[i]["action"])))
    return found
