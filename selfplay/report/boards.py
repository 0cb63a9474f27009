"""The net's policy against the search's visits, on positions of the newest stored game.

Where a move stands on a board is found by making it: the cells that change in the text that the game's render gives.
That works for every game whose boards are rows of signs; of another one the moves are shown as a list alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluator import Evaluator
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from selfplay.records import UNPROVEN, GameRecord, starts_of
from selfplay.report.figures import Table
from selfplay.store import Store

EXAMPLES = 4
MOVES = 6  # of an example's list
MOST_SIMULATIONS = 400
EMPTY = "."


@dataclass(frozen=True)
class Sign:
    """One sign of a board: where it stands, in columns and rows from the board's corner, and whether it is a cell."""

    x: float
    y: int
    text: str
    cell: bool


@dataclass(frozen=True)
class Panel:
    """A board with shares on its cells, entry by entry; `elsewhere` is the share of moves that stand on none."""

    title: str
    shares: list[float]
    elsewhere: float


@dataclass(frozen=True)
class Example:
    """A position, how it is drawn if that is known, and what net and search make of its moves."""

    title: str
    text: str
    signs: list[Sign] | None
    panels: list[Panel]
    moves: Table

    @property
    def cells(self) -> list[Sign]:
        """The cells of the board."""
        return [sign for sign in self.signs or () if sign.cell]

    @property
    def width(self) -> float:
        """In cells, labels included."""
        return max(sign.x for sign in self.signs or ()) + 1

    @property
    def height(self) -> int:
        """In cells, labels included."""
        return max(sign.y for sign in self.signs or ()) + 1


def grid(game: Game, text: str) -> list[Sign] | None:
    """The signs of a rendered board, cells in reading order; None where it is not rows of one sign for each cell.

    A row may have its label before it, behind it or both; rows of labels may stand above and below.
    """
    _, rows, columns = game.planes
    lines = [[(m.start(), m[0]) for m in re.finditer(r"\S+", line)] for line in text.splitlines()]
    labels = ([chr(ord("a") + i) for i in range(columns)], [str(i + 1) for i in range(columns)])
    heads = [i for i, line in enumerate(lines) if [sign for _, sign in line] in labels]
    boards = [i for i, line in enumerate(lines) if columns <= len(line) <= columns + 2 and i not in heads]
    if len(boards) != rows or boards[-1] - boards[0] != rows - 1:
        return None
    found = []
    for i in range(boards[0] - 1, boards[-1] + 2):
        if i in heads:
            found += [(at, i, sign, False) for at, sign in lines[i]]
        elif i in boards:
            line = lines[i]
            first = int(len(line) > columns and line[0][1].isdigit())
            if len(line) - first < columns or any(len(sign) != 1 for _, sign in line[first : first + columns]):
                return None
            found += [(at, i, sign, first <= k < first + columns) for k, (at, sign) in enumerate(line)]
    left, top = min(at for at, *_ in found), min(i for _, i, *_ in found)
    return [Sign((at - left) / 2, i - top, sign, cell) for at, i, sign, cell in found]


def places(game: Game, position: Position, actions: Sequence[int]) -> list[list[int]] | None:
    """The cells, as numbers in reading order, on which each action puts something; None where boards are no grids."""
    before = grid(game, game.render(position.state))
    found = []
    for action in actions:
        after = position.copy()
        after.play(action)
        drawn = grid(game, game.render(after.state))
        if before is None or drawn is None:
            return None
        pairs = list(zip(_cells(before), _cells(drawn), strict=True))
        filled = [i for i, (old, new) in enumerate(pairs) if old == EMPTY != new]
        taken = [i for i, (old, new) in enumerate(pairs) if old != new != EMPTY]
        found.append(filled or taken)
    return found


def _cells(signs: list[Sign]) -> list[str]:
    return [sign.text for sign in signs if sign.cell]


def positions(game: Game, store: Store) -> list[Position]:
    """EXAMPLES searched positions, evenly along that game of the newest shard which has the most; none of too few.

    Those that were proven are not taken: there the search has nothing to prefer.
    """
    for shard in reversed(store.shards()):
        batch = store.load(shard)
        if batch is None or not len(batch):
            continue
        index = max(range(len(batch)), key=lambda i: len(_searched(batch.game(i))))
        plies = _searched(batch.game(index))
        if len(plies) >= EXAMPLES:
            actions, start = batch.game(index).actions, starts_of(game, batch)[index : index + 1]
            picked = [plies[i * (len(plies) - 1) // (EXAMPLES - 1)] for i in range(EXAMPLES)]
            return [Position.from_actions(game, start, actions[:ply].tolist()) for ply in picked]
    return []


def _searched(record: GameRecord) -> list[int]:
    """The plies of a game at which a search had a choice that it did not settle."""
    visited = np.concatenate([[0], np.cumsum(record.visits)])[np.concatenate([[0], np.cumsum(record.child_count)])]
    open_ = (record.child_count > 1) & (np.diff(visited) > 0) & (record.proven == UNPROVEN)
    return [int(ply) for ply in record.ply[open_]]


def played(game: Game, evaluator: Evaluator, seed: int = 1) -> list[Position]:
    """EXAMPLES positions of a game that the net plays by drawing its moves, for a run that stores none."""
    search = Search(game, Settings("net", temperature=1.0, seed=seed), evaluator)
    position, line = Position(game), [Position(game)]
    while position.playable:
        position.play(search.run(position, simulations=1).action)
        if position.playable and len(position.legal()) > 1:
            line.append(position.copy())
    return [line[i * (len(line) - 1) // (EXAMPLES - 1)] for i in range(EXAMPLES)] if len(line) >= EXAMPLES else []


def example(game: Game, evaluator: Evaluator, position: Position, simulations: int) -> Example:
    """What the net says of a position, and what a search of so many simulations with it makes of that."""
    settings = Settings("hybrid", early_stop=False, look_ahead=False)
    found = Search(game, settings, evaluator).run(position, simulations=min(simulations, MOST_SIMULATIONS))
    visits = found.visits / max(found.visits.sum(), 1)
    where = places(game, position, found.actions.tolist())
    signs = grid(game, game.render(position.state)) if where is not None else None
    panels = []
    for title, shares in (("net's policy", found.prior), ("search's visits", visits)):
        if where is not None and signs is not None:
            board, elsewhere = np.zeros(len(_cells(signs))), 0.0
            for share, cells in zip(shares, where, strict=True):
                board[cells] += share
                elsewhere += 0.0 if cells else share
            panels.append(Panel(title, np.minimum(board, 1).tolist(), elsewhere))
    order = np.lexsort((-found.prior, -visits))[:MOVES]
    rows = [
        [
            game.format_action(position.state, int(found.actions[i])),
            f"{found.prior[i]:.1%}",
            f"{visits[i]:.1%}",
            "" if np.isnan(found.q[i]) else f"{found.q[i]:+z.2f}",
        ]
        for i in order
    ]
    left = len(found.actions) - len(order)
    title = f"The most visited moves, of {len(found.actions)}" if left else "All moves"
    who = "first" if position.ply % 2 == 0 else "second"
    return Example(
        f"After {position.ply} plies, {who} player to move; the search expects {found.value_text()}",
        game.render(position.state),
        signs,
        panels,
        Table(title, ["move", "net", "visits", "Q"], rows),
    )


def examples(game: Game, store: Store, evaluator: Evaluator, simulations: int) -> list[Example]:
    """Examples from the newest stored game, or from one that the net plays."""
    chosen = positions(game, store) or played(game, evaluator)
    found = []
    for position in chosen:
        try:
            if position.playable:
                found.append(example(game, evaluator, position, simulations))
        except TandemError:
            continue
    return found
