"""What every search returns, and how a move is chosen from a root's children."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.modes import EXACT
from games.rng import Random

Array = npt.NDArray[np.float64]
OUTCOME_WORD = {1: "win", 0: "draw", -1: "loss"}


def in_plies(plies: int | None) -> str:
    """As in "win in 7 plies"; nothing where there is no such distance."""
    return f" in {plies} {'ply' if plies == 1 else 'plies'}" if plies else ""


def number_of(count: int, noun: str) -> str:
    """As in "1 move" and "1,000 moves"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


@dataclass(frozen=True)
class SearchResult:
    """One searched position; arrays have one entry per legal action, in ascending order of the actions.

    q lies in [-1, 1] for the player to move and is NaN where unvisited; wdl are the root's win, draw and loss
    probabilities for the player to move. `proven` is the root's proven outcome (1, 0, -1) or None, and `plies` then
    the distance to the end along the proof. `proofs` holds the same per move, as floats with NaN for unproven.
    """

    mode: str
    action: int
    move: str
    actions: npt.NDArray[np.int32]
    visits: npt.NDArray[np.int64]
    q: Array
    prior: Array
    policy: Array
    proofs: Array
    wdl: tuple[float, float, float]
    pv: list[str]
    simulations: int
    evaluations: int
    seconds: float
    proven: int | None
    plies: int
    planned: bool
    bounds: tuple[int, int] = (-1, 1)  # the outcomes still possible where the solver proved neither all nor nothing

    @property
    def value(self) -> float:
        """Win less loss probability for the player to move."""
        return self.wdl[0] - self.wdl[2]

    def value_text(self) -> str:
        """The value in words; a solver that proved nothing has no percentages to offer."""
        if self.proven is not None:
            return f"proven {OUTCOME_WORD[self.proven]}{in_plies(self.plies)}"
        if self.bounds != (-1, 1):
            return "proven draw or win" if self.bounds[0] == 0 else "proven draw or loss"
        return "unknown" if self.mode == EXACT else "win {:.0%} draw {:.0%} loss {:.0%}".format(*self.wdl)

    def work_text(self) -> str:
        """What was searched, in words."""
        unit = "node" if self.mode == EXACT else "simulation"
        return number_of(self.simulations, unit) if self.planned or self.simulations > 1 else "no search"

    def summary(self) -> str:
        """One line: move, value, simulations, seconds, principal variation."""
        return f"{self.move}  {self.value_text()}  {self.work_text()}  {self.seconds:.3f} s  pv {' '.join(self.pv)}"


@dataclass(frozen=True)
class MoveReport:
    """One legal move of a searched position, for the player to move; None is what is not known.

    `bounds` are the least and the greatest outcome still possible (-1, 0, 1); where they are equal, wdl is certain and
    `plies` the distance to the end. pv begins with the move.
    """

    move: str
    visits: int
    prior: float | None
    policy: float | None
    q: float | None
    wdl: tuple[float, float, float] | None
    bounds: tuple[int, int]
    plies: int | None
    pv: list[str]


def certain(outcome: int) -> tuple[float, float, float]:
    """Win, draw and loss probabilities of an outcome that is known."""
    return float(outcome == 1), float(outcome == 0), float(outcome == -1)


def pick(policy: Array, q: Array, prior: Array, temperature: float, rng: Random) -> int:
    """Index of the move: the largest policy (ties by Q, then prior), or a draw from policy ** (1 / temperature)."""
    if temperature > 0:
        with np.errstate(divide="ignore"):
            weights = np.exp((np.log(policy) - np.log(policy.max())) / temperature)
        total = weights.cumsum()
        return int(np.searchsorted(total, rng.uniform() * total[-1], side="right"))
    return int(np.lexsort((prior, np.nan_to_num(q, nan=-2.0), policy))[-1])
