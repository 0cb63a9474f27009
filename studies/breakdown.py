"""Accuracy taken apart: by plies played, corrected for what is right by chance, and as boards to look at."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from games.contract import Game
from selfplay.labels import Label
from selfplay.report.figures import Board, Table
from studies.lab import Measured

WIDTH = 6  # plies of a band


def corrected(accuracy: float, chance: float) -> float:
    """Accuracy with chance at 0 and perfection at 1, as Cohen's kappa (1960) counts agreement."""
    return (accuracy - chance) / (1 - chance)


def bands(labels: Sequence[Label]) -> dict[str, npt.NDArray[np.int64]]:
    """Indices of the positions of every band of plies played that has any, by its name."""
    plies = np.array([label.position.ply for label in labels])
    lows = sorted({int(p) // WIDTH * WIDTH for p in plies})
    return {f"{low}-{low + WIDTH - 1}": np.flatnonzero(plies // WIDTH * WIDTH == low) for low in lows}


def by_ply(labels: Sequence[Label], players: Mapping[str, Measured]) -> Table:
    """Right moves of each player by band, and over all positions, plainly and corrected for chance."""
    n = min(len(m.kept) for m in players.values())
    chance = np.array([label.chance for label in labels[:n]])
    rows = [
        [name, str(len(at)), f"{chance[at].mean():.0%}", *(f"{m.kept[at].mean():.1%}" for m in players.values())]
        for name, at in bands(labels[:n]).items()
    ]
    everywhere = [float(m.kept[:n].mean()) for m in players.values()]
    rows.append(["all", str(n), f"{chance.mean():.0%}", *(f"{share:.1%}" for share in everywhere)])
    rest = [f"{corrected(share, float(chance.mean())):.3f}" for share in everywhere]
    rows.append(["all, chance at 0, perfection at 1", str(n), "0", *rest])
    return Table("Right moves by plies played", ["plies played", "n", "chance", *players], rows)


def disagreements(
    game: Game, labels: Sequence[Label], players: Mapping[str, Measured], pairs: Sequence[tuple[str, str]]
) -> list[Board]:
    """For each (player, other) the first position, shown once, in which the player errs and the other does not."""
    boards, shown = list[Board](), set[int]()
    for wrong, right in pairs:
        both = zip(players[wrong].kept, players[right].kept, strict=False)
        i = next((i for i, (a, b) in enumerate(both) if b and not a and i not in shown), None)
        if i is None:
            continue
        shown.add(i)
        label, state = labels[i], labels[i].position.state
        moves = {name: m.actions[i] for name, m in players.items() if i < len(m.kept) and m.actions[i] >= 0}
        said = ", ".join(f"{name} plays {game.format_action(state, int(a))}" for name, a in moves.items())
        good = ", ".join(game.format_action(state, a) for a, value in label.values.items() if value == label.best)
        title = f"{wrong} errs, {right} does not, after {label.position.ply} plies: {said}; right are {good}"
        boards.append(Board(title, game.render(state)))
    return boards
