"""What a run is asked for, and how much of it is done."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from games.errors import TandemError
from games.files import reason, write_atomic
from selfplay.sealed import Damaged, read_sealed, seal

# What the oldest runs counted, too.
ALWAYS_COUNTED = {"seconds", "core_seconds", "games", "positions", "evaluations", "steps"}
MOST_COUNTED = 2**63


def shown(value: float) -> str:
    """A budget's number as a flag reads it: whole ones in full, 1e+06 being no count of games."""
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Budget:
    """What a run is asked for in all, resumed parts included: exactly one of the three.

    Games are those of self-play; 0 of them leave learning from records and from a teacher.
    """

    minutes: float | None = None
    games: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if len(given) != 1:
            raise TandemError("give one budget: --minutes, --games or --steps")
        for name, value in given.items():
            if not (0 < value < math.inf or (name == "games" and value == 0)):
                raise TandemError(f"{name} must be above 0, not {value}")

    def __str__(self) -> str:
        name, value = next((name, value) for name, value in asdict(self).items() if value is not None)
        return f"{shown(value)} {name.removesuffix('s') if value == 1 else name}"

    def flag(self) -> str:
        """The flag that asks for it."""
        return next(f"--{name} {shown(value)}" for name, value in asdict(self).items() if value is not None)

    def doubled(self) -> "Budget":
        """Twice as much of the same, or some where there was none."""
        return Budget(**{name: value if value is None else 2 * value or 1000 for name, value in asdict(self).items()})


@dataclass
class Progress:
    """What a run has done so far; saved with every checkpoint."""

    seconds: float = 0.0
    core_seconds: float = 0.0
    rounds: int = 0
    games: int = 0
    positions: int = 0
    evaluations: int = 0
    steps: int = 0
    bucket: float = 0.0  # training samples paid for and not yet drawn
    records: int = 0  # games from files
    record_positions: int = 0
    files_read: int = 0
    read_to: int = 0  # bytes of the file being read, and how many games that can be learnt from were before
    read_games: int = 0
    lessons: float = 0.0  # training samples that records and teachers have paid for and that are not yet drawn
    learnt: float = 1.0  # how much of what records and teachers give is there and drawn, 0 to 1
    taught: int = 0  # games of a teacher
    taught_positions: int = 0
    next_number: int = 0  # of a game, after all that were ever stored, those in files that are gone or damaged too

    def share(self, budget: Budget) -> float:
        """How much of the budget is spent, 0 to 1 and beyond."""
        if budget.minutes is not None:
            return self.seconds / (60 * budget.minutes)
        if budget.games is not None:
            return self.games / budget.games if budget.games else self.learnt
        return self.steps / (budget.steps or 1)

    def write(self, path: Path) -> None:
        """Write it for `read`. Raises TandemError when the file cannot be written."""
        write_atomic(path, json.dumps(seal(asdict(self))).encode())

    @classmethod
    def read(cls, path: Path) -> "Progress":
        """What `write` wrote. Raises TandemError when that cannot be read, was altered or counts what is no number."""
        try:
            state = read_sealed(path)
        except OSError as error:
            raise TandemError(f"cannot read {path}: {reason(error)}") from error
        except Damaged as error:
            raise TandemError(f"{path}: {error}") from None
        kinds = {name: type(value) for name, value in asdict(cls()).items()}
        for name in sorted(ALWAYS_COUNTED | state.keys()):
            value = state.get(name)
            if name not in kinds or not isinstance(value, int | float) or not 0 <= value <= MOST_COUNTED:
                told = name if name in kinds else repr(name)
                raise TandemError(f"{path}: {told} is {repr(value)[:60]}, no number of a run")
        return cls(**{name: kinds[name](value) for name, value in state.items()})
