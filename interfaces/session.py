"""A game in progress and the engine beside it: what every interface shares."""

from collections.abc import Callable
from pathlib import Path

from engine.modes import MODES, mode_named
from engine.position import Position
from engine.result import SearchResult
from games.contract import Game
from games.errors import TandemError
from players.evaluators import load_evaluator
from players.player import EnginePlayer
from players.spec import PlayerSpec

DEFAULT_SECONDS = 1.0


class Session:
    """One position that moves are played on, and a player per mode, each kept for the sake of its tree.

    Nothing imports torch before a mode that needs a net is asked for a move.
    """

    def __init__(self, game: Game, spec: PlayerSpec, model: Path | None) -> None:
        """Start at the game's first position; `model` is the net's file. TandemError when the mode cannot be had."""
        self.game, self.model = game, model
        self.position = Position(game)
        if spec.simulations is None and spec.seconds is None:
            spec = spec.with_options(seconds=DEFAULT_SECONDS)
        self.spec = spec
        self._players: dict[str, EnginePlayer] = {}
        self.set_mode(spec.kind)

    @property
    def mode(self) -> str:
        """The mode that answers now."""
        return self.spec.kind

    @property
    def modes(self) -> list[str]:
        """The modes that can be played here: without a net, only those that need none."""
        return [mode.name for mode in MODES.values() if self.model is not None or not mode.needs_net]

    @property
    def budget(self) -> str:
        """What the engine may spend on a move, in words."""
        simulations, seconds = self.spec.simulations, self.spec.seconds
        counted = [] if simulations is None else [f"{simulations:,} simulation{'s' * (simulations > 1)}"]
        return " or ".join([*counted, *([] if seconds is None else [f"{seconds:g} s"])]) + " a move"

    def set_mode(self, mode: str) -> None:
        """Let another mode answer; TandemError when there is none of that name, or no net for it."""
        mode_named(mode)
        if mode not in self.modes:
            raise TandemError(
                f"mode {mode} needs a net, and there is none for {self.game.spec}: "
                f"name one with --model or --run, make one with python train.py {self.game.spec}, or play mode search"
            )
        self.spec = self.spec.with_options(kind=mode)

    def set_budget(self, *, simulations: str | None = None, seconds: str | None = None) -> None:
        """Count, or clock, the moves from now on; TandemError for budgets of zero or less and for no numbers."""
        self.spec = self.spec.with_options(simulations=simulations, seconds=seconds)

    def new_game(self) -> None:
        """Back to the first position."""
        self.position = Position(self.game)

    def think(self, stop: Callable[[], bool] | None = None, seconds: float | None = None) -> SearchResult:
        """What the engine would play here; `seconds` replace those of the budget. TandemError when the game is over."""
        if self.mode not in self._players:
            self._players[self.mode] = self._player(self.mode)
        return self._run(self._players[self.mode], stop, seconds)

    def think_afresh(self, mode: str, stop: Callable[[], bool]) -> SearchResult:
        """What `mode` would play here within the budget, with no tree from earlier moves."""
        return self._run(self._player(mode), stop, None)

    def planned_share(self) -> tuple[int, int]:
        """How many moves mode auto has planned, and how many it has chosen."""
        search = self._players["auto"].search
        return search.moves_planned, search.moves_chosen

    def _run(self, player: EnginePlayer, stop: Callable[[], bool] | None, seconds: float | None) -> SearchResult:
        limit = self.spec.seconds if seconds is None else seconds
        return player.search.run(self.position, simulations=self.spec.simulations, seconds=limit, stop=stop)

    def _player(self, mode: str) -> EnginePlayer:
        evaluator = None
        if MODES[mode].needs_net:
            assert self.model is not None
            evaluator = load_evaluator(self.game, self.model)
            import torch

            # Positions come one at a time: a second thread costs more than it computes.
            torch.set_num_threads(1)
        spec = self.spec.with_options(kind=mode)
        player = EnginePlayer(self.game, spec, evaluator, seed=spec.seed or 0, model=self.model)
        # A mode's first search also compiles its kernels or reads them from the disk: no part of what a move costs.
        player.search.start(self.position)
        player.search.advance(1)
        player.search.result()
        player.new_game()
        return player
