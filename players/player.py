"""make_player: our modes, the solver, the random mover and external engines, each made of its spec."""

from pathlib import Path

from engine.evaluator import Evaluator
from engine.exact import Exact
from engine.modes import EXACT, MODES, resolve
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.contract import Game
from games.errors import TandemError
from games.rng import Random
from players.choice import Choice, Forfeit, Player
from players.evaluators import backend_of, find_model, load_evaluator
from players.gtp_client import GtpPlayer
from players.process import REPLY_SECONDS
from players.spec import PlayerSpec, parse_spec
from players.uci_client import UciPlayer

DEFAULT_SIMULATIONS = 100


def make_player(
    game: Game,
    spec: str | PlayerSpec,
    *,
    model: Path | None = None,
    seed: int = 0,
    reply_seconds: float = REPLY_SECONDS,
) -> Player:
    """The player that `spec` names. `model` and `seed` serve where the spec gives none.

    `model` is a file or the folder of a run; without one, the net that ships. An external engine is started at once
    and may take `reply_seconds` over each answer. Raises TandemError for a spec, model or engine that does not work.
    """
    spec = parse_spec(spec) if isinstance(spec, str) else spec
    if spec.command is not None:
        external = GtpPlayer if spec.kind == "gtp" else UciPlayer
        return external(game, spec.command, reply_seconds)
    seed = seed if spec.seed is None else spec.seed
    if spec.kind == "random":
        return RandomPlayer(str(spec), seed)
    if spec.kind == EXACT:
        return ExactPlayer(game, spec, seed=seed)
    path, evaluator = None, None
    if needs_net(game, spec):
        path = _model_of(game, spec, model)
        evaluator = load_evaluator(game, path, backend_of(path, spec))
    return EnginePlayer(game, spec, evaluator, seed=seed, model=path)


def needs_net(game: Game, spec: PlayerSpec) -> bool:
    """Whether this player loads a net. Raises TandemError for a value source the game lacks."""
    return spec.kind in MODES and resolve(game, spec.kind, spec.prior, spec.value).needs_net


def needs_torch(game: Game, spec: PlayerSpec, model: Path | None = None) -> bool:
    """Whether this player loads a net into torch. Raises TandemError as make_player does for what it cannot load."""
    return needs_net(game, spec) and backend_of(_model_of(game, spec, model), spec) == "torch"


def _model_of(game: Game, spec: PlayerSpec, model: Path | None) -> Path:
    return find_model(game, model if spec.model is None else Path(spec.model))


class RandomPlayer:
    """Plays any legal action with equal chance."""

    def __init__(self, name: str = "random", seed: int = 0) -> None:
        self.name = name
        self._rng = Random(seed)

    def choose(self, position: Position) -> Choice:
        """A random legal move; TandemError when the game is over."""
        if not position.playable:
            raise TandemError(f"the game is over ({position.ended}); there is no move to choose")
        legal = position.legal()
        return Choice(legal[self._rng.below(len(legal))], None)

    def new_game(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to give up."""


class ExactPlayer:
    """The solver as a player: perfect where it finishes. `search` is the solver, with what it remembers."""

    def __init__(self, game: Game, spec: PlayerSpec, *, seed: int = 0) -> None:
        self.spec, self.name = spec, str(spec)
        self.seed = seed
        self.search = Exact(game, seed=seed)

    def choose(self, position: Position) -> Choice:
        """The solver's move; without seconds in the spec it takes as long as it takes."""
        if position.ended:
            raise TandemError(f"the game is over ({position.ended}); there is no move to choose")
        result = self.search.run(position, seconds=self.spec.seconds)
        return Choice(result.action, result)

    def new_game(self) -> None:
        """Choose among equal moves as a new player would; what was solved stays true."""
        self.search.rng = Random(self.seed)

    def close(self) -> None:
        """Nothing to give up."""


class EnginePlayer:
    """A mode of our own engine. `search` holds the tree, kept from move to move; `model` and `net_id` name its net."""

    def __init__(
        self, game: Game, spec: PlayerSpec, evaluator: Evaluator | None, *, seed: int = 0, model: Path | None = None
    ) -> None:
        self.spec, self.name, self.model = spec, str(spec), model
        self.net_id = evaluator.net_id if evaluator is not None else None
        self.search = Search(game, settings_of(spec, seed), evaluator)

    def choose(self, position: Position) -> Choice:
        """The searched move; a spec without a budget gets DEFAULT_SIMULATIONS. TandemError when the game is over."""
        simulations, seconds = self.spec.simulations, self.spec.seconds
        if simulations is None and seconds is None:
            simulations = DEFAULT_SIMULATIONS
        result = self.search.run(position, simulations=simulations, seconds=seconds)
        return Choice(result.action, result)

    def new_game(self) -> None:
        """Drop the tree."""
        self.search.position = None

    def close(self) -> None:
        """Give up the search's threads."""
        if self.search.pool is not None:
            self.search.pool.shutdown()


def settings_of(spec: PlayerSpec, seed: int) -> Settings:
    """How a search goes by the options of a mode's spec."""
    names = ["prior", "value", "c_puct", "fpu_reduction", "draw_value", "threshold", "temperature", "threads", "leaves"]
    names += ["root", "considered", "value_scale", "value_pruning", "images", "proof_nodes"]
    given = {name: getattr(spec, name) for name in names if getattr(spec, name) is not None}
    if spec.memory is not None:
        given["memory"] = spec.memory << 20
    return Settings(mode=spec.kind, seed=seed, **given)


__all__ = [
    "DEFAULT_SIMULATIONS",
    "Choice",
    "EnginePlayer",
    "ExactPlayer",
    "Forfeit",
    "Player",
    "RandomPlayer",
    "make_player",
    "needs_net",
    "needs_torch",
    "settings_of",
]
