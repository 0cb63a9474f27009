"""A game in progress and the engine beside it: what every interface shares."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.exact import Solution
from engine.modes import CHOICES, EXACT, MODES, check_name
from engine.position import Position
from engine.result import SearchResult
from games.contract import Game
from games.errors import TandemError
from players.evaluators import backend_of, load_evaluator
from players.player import EnginePlayer, ExactPlayer, needs_net
from players.spec import PlayerSpec, parse_spec

DEFAULT_SECONDS = 1.0
TRUTH_SECONDS = 1.0  # that the solver gets to judge the moves of one position


class Session:
    """One position that moves are played on, and a player per mode, each kept for the sake of its tree.

    Nothing imports torch before a mode that needs a net is asked for a move.
    """

    def __init__(self, game: Game, spec: PlayerSpec, model: Path | None, mode: str | None = None) -> None:
        """Start at the game's first position; `model` is the net's file. TandemError when the mode cannot be had.

        `spec` is of a mode of the engine; `mode` answers first, by default that one.
        """
        self.game, self.model = game, model
        self.position = Position(game)
        if spec.simulations is None and spec.seconds is None:
            spec = spec.with_options(seconds=DEFAULT_SECONDS)
        self.spec = spec
        self._players: dict[str, EnginePlayer | ExactPlayer] = {}
        self.mode = ""  # the one that answers now
        self.set_mode(mode or spec.kind)

    @property
    def modes(self) -> list[str]:
        """The modes that can be played here: some need a net, and the solver a game that never repeats."""
        found = [mode.name for mode in MODES.values() if self.model is not None or not mode.needs_net]
        return [*found, *([] if self.game.repetition else [EXACT])]

    @property
    def needs_torch(self) -> bool:
        """Whether this mode evaluates its net in torch."""
        mode = MODES.get(self.mode)  # none is the solver's
        if mode is None or not mode.needs_net or self.model is None:
            return False
        return backend_of(self.model, self.spec) == "torch"

    @property
    def budget(self) -> str:
        """What the engine may spend on a move, in words."""
        return self.budget_of(self.mode)

    def budget_of(self, mode: str) -> str:
        """What a mode may spend on a move, in words; the solver counts no simulations."""
        spec = self._spec(mode)
        simulations, seconds = spec.simulations, spec.seconds
        counted = [] if simulations is None else [f"{simulations:,} simulation{'s' * (simulations > 1)}"]
        return " or ".join([*counted, *([] if seconds is None else [f"{seconds:g} s"])]) + " a move"

    def set_mode(self, mode: str) -> None:
        """Let another mode answer; TandemError when there is none of that name, or it cannot be had here."""
        self._check_mode(mode)
        self.mode = mode
        if mode != EXACT:
            self.spec = self.spec.with_options(kind=mode)
            if MODES[mode].needs_net and self.model is not None:
                backend_of(self.model, self.spec)  # refuses what cannot be had now rather than at the first move

    def set_budget(self, *, simulations: str | None = None, seconds: str | None = None) -> None:
        """Count, or clock, the moves from now on; TandemError for budgets of zero or less and for no numbers."""
        self.spec = self.spec.with_options(simulations=simulations, seconds=seconds)

    def new_game(self) -> None:
        """Back to the first position."""
        self.position = Position(self.game)

    def think(self, stop: Callable[[], bool] | None = None, seconds: float | None = None) -> SearchResult:
        """What the engine would play here; `seconds` replace those of the budget. TandemError when the game is over."""
        return self._run(self._kept(self.mode), stop, seconds)

    def think_afresh(self, mode: str, stop: Callable[[], bool]) -> SearchResult:
        """What `mode` would play here within the budget, with no tree from earlier moves."""
        return self._run(self._player(self._spec(mode)), stop, None)

    def fresh_player(self, options: Mapping[str, str]) -> EnginePlayer | ExactPlayer:
        """A player of its own: `options` are a mode (default: the one that answers) and what a spec of it takes.

        A budget among them replaces the session's. Raises TandemError for what no spec takes.
        """
        given = {key: value for key, value in options.items() if key != "mode"}
        mode = options.get("mode", self.mode)
        self._check_mode(mode)
        if given:
            parse_spec(f"{mode}:" + ",".join(f"{key}={value}" for key, value in given.items()))
        if "model" in given:
            raise TandemError("the net is that of the session: start another one for another model")
        counted = mode != EXACT and not given.keys().isdisjoint(("simulations", "seconds"))
        dropped: dict[str, str | None] = {"simulations": None, "seconds": None} if counted else {}
        return self._player(self._spec(mode).with_options(**(dropped | given)))

    def truth(self, stop: Callable[[], bool]) -> dict[int, Solution]:
        """What the solver proves of every legal action within TRUTH_SECONDS; nothing where positions may repeat."""
        if EXACT not in self.modes:
            return {}
        solver = self._kept(EXACT)
        assert isinstance(solver, ExactPlayer)
        return solver.search.moves(self.position, seconds=TRUTH_SECONDS, stop=stop)

    def planned_share(self) -> tuple[int, int]:
        """How many moves mode auto has planned, and how many it has chosen."""
        player = self._players["auto"]
        assert isinstance(player, EnginePlayer)
        return player.search.moves_planned, player.search.moves_chosen

    def _check_mode(self, mode: str) -> None:
        check_name(mode, CHOICES)
        if mode in self.modes:
            return
        if mode == EXACT:
            raise TandemError(f"{self.game.spec} may repeat positions, and mode exact solves no such game")
        raise self._no_net(mode)

    def _no_net(self, mode: str) -> TandemError:
        return TandemError(
            f"mode {mode} needs a net, and there is none for {self.game.spec}: "
            f"name one with --model or --run, make one with python train.py {self.game.spec}, or play mode search"
        )

    def _run(
        self, player: EnginePlayer | ExactPlayer, stop: Callable[[], bool] | None, seconds: float | None
    ) -> SearchResult:
        limit = self.spec.seconds if seconds is None else seconds
        if isinstance(player, ExactPlayer):
            if self.position.ended:
                raise TandemError(f"the game is over ({self.position.ended}); there is nothing to solve")
            return player.search.run(self.position, seconds=limit or DEFAULT_SECONDS, stop=stop)
        return player.search.run(self.position, simulations=self.spec.simulations, seconds=limit, stop=stop)

    def _kept(self, mode: str) -> EnginePlayer | ExactPlayer:
        if mode not in self._players:
            self._players[mode] = self._player(self._spec(mode))
        return self._players[mode]

    def _spec(self, mode: str) -> PlayerSpec:
        """How a mode plays here; the solver takes fewer options, and always a time, as it may not finish by itself."""
        if mode == EXACT:
            return PlayerSpec(EXACT, seconds=self.spec.seconds or DEFAULT_SECONDS, seed=self.spec.seed)
        return self.spec.with_options(kind=mode)

    def _player(self, spec: PlayerSpec) -> EnginePlayer | ExactPlayer:
        # A mode's first search also compiles its kernels or reads them from the disk: no part of what a move costs.
        if spec.kind == EXACT:
            solver = ExactPlayer(self.game, spec, seed=spec.seed or 0)
            solver.search.solve(self.position, nodes=1)
            return solver
        evaluator = None
        if needs_net(self.game, spec):  # a prior or value of the spec's own may want one where the mode does not
            if self.model is None:
                raise self._no_net(spec.kind)
            backend = backend_of(self.model, spec)
            evaluator = load_evaluator(self.game, self.model, backend)
            if backend == "torch":
                import torch

                # Positions come one at a time: a second thread costs more than it computes.
                torch.set_num_threads(1)
        player = EnginePlayer(self.game, spec, evaluator, seed=spec.seed or 0, model=self.model)
        player.search.start(self.position)
        player.search.advance(1)
        player.search.result()
        player.new_game()
        return player
