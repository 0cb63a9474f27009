"""How to search, and for how long at most."""

from dataclasses import dataclass

from games.contract import MOST_PROOF_NODES
from games.errors import TandemError

DEFAULT_SIMULATIONS = 100
MOST_SECONDS = 1_000_000
ROOTS = ("puct", "gumbel")
VALUE_SCALE = 0.25


@dataclass(frozen=True)
class Settings:
    """How to search. `threads` trees are grown side by side and merged; they share simulations and `memory`, in bytes.

    `leaves` is how many leaves of a tree the net evaluates at once; None lets the budget decide. A kernel net takes
    one at a time, and may average over several `images` of a position under the game's symmetries. `cache` is the byte
    budget, for each thread, of what the net said and need not be asked again. With root "gumbel" a counted budget goes
    to a bracket of at most `considered` moves (engine/gumbel.py). `proof_nodes` is how much exact search a leaf is
    given before a net is asked (engine/leafproofs.py), 0 for none; None lets the game decide.
    """

    mode: str = "hybrid"
    prior: str | None = None
    value: str | None = None
    c_puct: float | None = None
    fpu_reduction: float | None = None
    root: str = "puct"
    considered: int = 16
    value_scale: float = VALUE_SCALE
    value_pruning: float = 0.0
    draw_value: float = 0.0
    threshold: float = 0.7
    temperature: float = 0.0
    proof_nodes: int | None = None
    images: int = 1
    threads: int = 1
    leaves: int | None = None
    seed: int = 0
    memory: int = 256 << 20
    cache: int = 32 << 20
    solve: bool = True
    look_ahead: bool = True
    early_stop: bool = True
    reuse: bool = True

    def __post_init__(self) -> None:
        positive = {"threads": self.threads, "leaves": self.leaves or 1, "memory": self.memory, "cache": self.cache}
        positive["considered"], positive["images"] = self.considered, self.images
        for name, value in positive.items():
            if value < 1:
                raise TandemError(f"{name} must be at least 1, not {value}")
        if self.proof_nodes is not None and not 0 <= self.proof_nodes <= MOST_PROOF_NODES:
            raise TandemError(f"proof_nodes must lie between 0 and {MOST_PROOF_NODES:,}, not {self.proof_nodes}")
        if self.root not in ROOTS:
            raise TandemError(f"unknown root '{self.root}': it is one of {', '.join(ROOTS)}")
        if not -1 <= self.draw_value <= 1:
            raise TandemError(f"draw_value must lie between -1 (a loss) and 1 (a win), not {self.draw_value}")
        if self.value_pruning < 0:
            raise TandemError(f"value_pruning must be 0 or more, not {self.value_pruning}")
        if self.temperature < 0:
            raise TandemError(f"temperature must be 0 or more, not {self.temperature}")


def check_budget(simulations: int | None, seconds: float | None) -> None:
    """Refuse budgets of zero or less, and those that no clock or counter can hold."""
    if simulations is not None and simulations < 1:
        raise TandemError(f"simulations must be at least 1, not {simulations}")
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise TandemError(f"seconds must be above 0 and at most {MOST_SECONDS:,}, not {seconds}")
