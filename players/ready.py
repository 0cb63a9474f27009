"""Before players are put to work in several processes: refuse what cannot play, and compile what all of them run."""

from pathlib import Path

from engine.modes import EXACT, MODES
from engine.position import Position
from games.contract import FloatArray, Game
from nets.modelfile import read_model
from players.evaluators import find_model
from players.player import EnginePlayer, make_player, needs_net, needs_torch
from players.spec import PlayerSpec

COMPILE_SECONDS = 0.001  # of thought for the solver: its kernels are then compiled
WARM_SIMULATIONS = 100


class _NoNet:
    """Stands in for any net while kernels compile, so that this process need not import torch."""

    net_id = ""

    def evaluate(self, planes: FloatArray, logits: FloatArray, wdl: FloatArray) -> None:
        logits[:] = 0
        wdl[:] = 1 / 3


def check_player(game: Game, spec: PlayerSpec, reply_seconds: float, model: Path | None = None) -> None:
    """TandemError for an engine that does not start, a game that is not solved, a model that cannot be played.

    `model` serves where the spec names none.
    """
    if spec.command is not None or spec.kind == EXACT:
        make_player(game, spec, reply_seconds=reply_seconds).close()
    elif needs_net(game, spec):
        read_model(find_model(game, Path(spec.model) if spec.model is not None else model), game)


def compile_player(game: Game, spec: PlayerSpec, model: Path | None = None) -> None:
    """Fill the cache of kernels once rather than in every process at the same time."""
    if spec.kind == EXACT:
        make_player(game, spec.with_options(seconds=COMPILE_SECONDS)).choose(Position(game))
    elif spec.kind in MODES:
        small = spec.with_options(simulations=1, seconds=None, threads=1)
        torch = needs_torch(game, spec, model)
        player = EnginePlayer(game, small, _NoNet()) if torch else make_player(game, small, model=model)
        player.choose(Position(game))


def warm_up(game: Game, spec: PlayerSpec, position: Position, model: Path | None = None) -> None:
    """Let a player of our own move once in this process: what a first move costs beyond others is then paid."""
    if spec.kind == EXACT:
        small = spec.with_options(seconds=COMPILE_SECONDS)
    elif spec.kind in MODES:
        small = spec.with_options(simulations=min(spec.simulations or WARM_SIMULATIONS, WARM_SIMULATIONS), seconds=None)
    else:
        return
    player = make_player(game, small, model=model)
    try:
        player.choose(position)
    finally:
        player.close()
