"""Settings of a training run: one frozen dataclass, filled from a preset, a preset file and flags, in that order."""

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from engine.settings import ROOTS
from games.contract import Game
from games.errors import TandemError, nearest
from nets.config import NetConfig

MOST_COUNT = 2**31 - 1  # kernels count in 32 bits
MOST_PRESET, MOST_LINE = 65_536, 500  # characters
LEARNERS = ("search", "ppo")
EXECUTORS = ("processes", "threads", "inline", "ray")
PRESETS = Path(__file__).resolve().parent / "presets"
# Where and when work happens, and how much more records and a teacher teach: these may change whenever a run goes on.
CHANGEABLE = (
    *("actors", "executor", "checkpoint_seconds", "strength_seconds", "window_most"),
    *("from_epochs", "from_share", "teacher_share", "teacher_games"),
)


def setting(default: Any, about: str, least: float = 0.0, most: float = float("inf")) -> Any:
    """A dataclass field with its range and the words that --help shows."""
    return field(default=default, metadata={"about": about, "least": least, "most": most})


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of self-play and learning. Raises TandemError for a value out of its range."""

    learner: str = setting("search", "who teaches the net: search, or ppo, a policy gradient without a tree")
    net: str = setting("mlp:512-256", "net family and sizes, such as mlp:512-256 or resnet:5x64")
    simulations: int = setting(64, "simulations of a fully searched move", 2, 100_000)
    fast_simulations: int = setting(16, "simulations of the other moves, which train the value alone", 2, 100_000)
    root: str = setting("puct", "how the root shares simulations out: puct, with noise, or gumbel, in brackets")
    considered: int = setting(16, "moves that enter a bracket at most", 1, 100_000)
    value_scale: float = setting(0.25, "weight of Q against logits in brackets and in what they teach", 0.001, 100)
    late_effort: float = setting(
        1.0, "times that simulations and proof_nodes have grown by the budget's end, geometrically", 1, 100
    )
    full_share: float = setting(0.25, "share of moves that are fully searched", 0.01, 1)
    c_puct: float = setting(1.5, "exploration constant of PUCT", 0, 1000)
    fpu_reduction: float = setting(0.25, "how far below its parent's Q an unvisited move starts", -2, 2)
    solve: bool = setting(True, "propagate proven outcomes")
    noise_concentration: float = setting(
        10.0, "Dirichlet concentration of root noise, shared by the legal moves", 0.01, 10_000
    )
    noise_weight: float = setting(0.25, "share of noise in the root's priors", 0, 1)
    temperature: float = setting(1.0, "temperature of moves made in the first temperature_plies plies", 0, 1000)
    late_temperature: float = setting(0.3, "temperature of later moves", 0, 1000)
    temperature_plies: int = setting(8, "plies after the opening that use the first temperature", 0, 100_000)
    opening_share: float = setting(0.7, "share of games that begin with random moves", 0, 1)
    opening_plies: int = setting(
        16, "random moves a game begins with at most; few are more likely than many", 0, 100_000
    )
    random_share: float = setting(0.0, "share of later moves made at random", 0, 0.5)
    proof_nodes: int = setting(
        2000, "nodes of exact search spent on a position before its own search; 0 for none", 0, 100_000_000
    )
    proof_random: float = setting(0.5, "share of moves made at random once exact search has solved the game", 0, 1)
    actors: int = setting(0, "groups of games, one core each; 0 takes all cores there are", 0, 4096)
    executor: str = setting("processes", f"where actors run: {', '.join(EXECUTORS)} (docs/cluster.md)")
    cache: int = setting(32, "megabytes of an actor's cache of evaluations; 0 for none", 0, 100_000)
    games_per_actor: int = setting(256, "games in lockstep per group", 1, 8192)
    plies_per_round: int = setting(0, "searched moves between two weight updates; 0 fits the net's cost", 0, 10_000_000)
    batch: int = setting(1024, "positions per training step", 8, 65_536)
    reuse: float = setting(4.0, "training samples drawn per new position (the train bucket)", 0.01)
    learning_rate: float = setting(2e-3, "peak learning rate of AdamW", 1e-7, 1)
    weight_decay: float = setting(1e-4, "weight decay of AdamW", 0, 1)
    ema_rounds: float = setting(3.0, "averaging time of the played weights, in rounds", 0.01)
    value_weight: float = setting(1.0, "weight of the value loss beside the policy loss")
    value_mix: float = setting(
        0.3, "share of the search's root value in the value target; the rest is the outcome", 0, 1
    )
    window_least: int = setting(200_000, "positions the replay keeps at least", 1)
    window_share: float = setting(0.5, "share of all positions so far that it keeps beyond that", 0.01, 1)
    window_most: int = setting(10_000_000, "positions the replay keeps at most: its bound in memory", 1)
    from_epochs: float = setting(
        4.0, "how often a position of the records that --from gives, or that a teacher labels, is drawn", 0, 10_000
    )
    from_share: float = setting(0.5, "share of a budget of minutes or steps that learning from records may take", 0, 1)
    teacher_share: float = setting(
        0.75, "share of a budget of minutes or steps that is spent when the teacher has done", 0, 1
    )
    teacher_games: int = setting(0, "games after which the teacher has done; 0 for as many as fit", 0, 2**31)
    ppo_plies: int = setting(32, "moves of each game between two updates of ppo", 1, 10_000)
    ppo_epochs: int = setting(4, "how often ppo uses a move", 1, 100)
    ppo_clip: float = setting(0.2, "how far an update of ppo may change a move's probability, as a share", 0.001, 10)
    ppo_lambda: float = setting(0.95, "decay per ply of what later moves say of earlier ones, in ppo", 0, 1)
    ppo_entropy: float = setting(0.01, "weight of the policy's entropy in ppo's objective", 0, 10)
    checkpoint_seconds: float = setting(45.0, "time between two checkpoints", 1, 60)
    strength_seconds: float = setting(60.0, "time between two measurements of strength", 1)
    seed: int = setting(1, "seed of the run", 0, 2**63)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            wanted: type = type(item.default)
            if isinstance(value, int) and abs(value) > 2**64:  # floats and messages have no room for any number
                raise TandemError(f"{item.name} must be a number that fits into 64 bits")
            if wanted is float and isinstance(value, int):
                object.__setattr__(self, item.name, float(value))
            elif type(value) is not wanted:
                raise TandemError(f"{item.name} must be of type {wanted.__name__}, not {value!r}")
            if not isinstance(value, str) and not math.isfinite(value):
                raise TandemError(f"{item.name} must be a finite number, not {value}")
            least, most = item.metadata["least"], item.metadata["most"]
            if isinstance(value, int | float) and not least <= value <= most:
                raise TandemError(f"{item.name} must lie between {least:g} and {most:g}, not {value}")
        for name in ("simulations", "fast_simulations", "proof_nodes"):
            if getattr(self, name) * self.late_effort > MOST_COUNT:
                raise TandemError(f"{name} times late_effort must be at most {MOST_COUNT:,}")
        if self.executor not in EXECUTORS:
            raise TandemError(f"executor must be {', '.join(EXECUTORS[:-1])} or {EXECUTORS[-1]}, not {self.executor}")
        if self.learner not in LEARNERS:
            raise TandemError(f"learner must be {' or '.join(LEARNERS)}, not {self.learner}")
        if self.root not in ROOTS:
            raise TandemError(f"root must be {' or '.join(ROOTS)}, not {self.root}")
        NetConfig.parse(self.net)


def from_table(table: dict[str, Any], base: TrainConfig, where: str) -> TrainConfig:
    """`base` with the values of a table; TandemError names an unknown key and the nearest known one."""
    known = [item.name for item in fields(TrainConfig)]
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f"known are {', '.join(known)}"
            raise TandemError(f"{where}: unknown setting {key!r}; {hint}")
    try:
        return replace(base, **table)
    except TandemError as error:
        raise TandemError(f"{where}: {error}") from None


def read_preset(path: Path, base: TrainConfig | None = None) -> TrainConfig:
    """A TOML preset over `base`; TandemError when it cannot be read or holds what is no setting."""
    try:
        text = path.read_text(encoding="utf-8")
        # tomllib takes memory by the square of a dotted key's length, and its time.
        if len(text) > MOST_PRESET or max(map(len, text.splitlines()), default=0) > MOST_LINE:
            raise TandemError(f"preset {path} is too long: at most {MOST_PRESET:,} characters, {MOST_LINE:,} a line")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise TandemError(f"preset {path} cannot be read: {error}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TandemError(f"preset {path} is no TOML: {error}") from None
    return from_table(table, base or TrainConfig(), f"preset {path}")


def default_config(game: Game) -> TrainConfig:
    """The game's own preset; for a game without one, settings computed from its sizes."""
    path = PRESETS / f"{game.name}.toml"
    if path.is_file():
        return read_preset(path)
    cells = game.planes[1] * game.planes[2]
    return TrainConfig(opening_plies=max(2, cells // 3), temperature_plies=max(2, cells // 5))
