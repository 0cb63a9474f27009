"""A game in progress and the engine beside it: what every interface shares."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.exact import Solution
from engine.modes import CHOICES, EXACT, MODES, check_name, resolve
from engine.options import options_of, proves_leaves
from engine.position import Position
from engine.result import MoveReport, SearchResult, certain, number_of
from engine.settings import MOST_SECONDS
from games.contract import Game
from games.errors import TandemError
from interfaces.levels import level_spec
from players.evaluators import backend_of, load_evaluator
from players.player import EnginePlayer, ExactPlayer, needs_net, settings_of
from players.spec import PlayerSpec, parse_spec

if TYPE_CHECKING:
    from interfaces.tablebase import Tablebase

DEFAULT_SECONDS = 1.0
MOST_SIMULATIONS = 2**30  # the tree counts visits in 32 bits, and keeps those of earlier searches
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
        self.level: int | None = None  # at which it plays, if at any; what it says of positions is never less
        self._leveled: EnginePlayer | None = None
        self.set_mode(mode or spec.kind)
        # What means nothing in the mode that is asked for is refused now rather than at its first move.
        options_of(game, settings_of(spec, 0), resolve(game, spec.kind, spec.prior, spec.value))

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

    @property
    def playing(self) -> str:
        """How the engine plays, in words."""
        if self._leveled is not None:
            return f"level {self.level} ({self._leveled.spec.with_options(seed=None, backend=None)})"
        return f"mode {self.mode}, {self.budget}"

    @property
    def name(self) -> str:
        """The engine as records name it."""
        return f"Tandem level {self.level}" if self.level else f"Tandem {self.mode}"

    def budget_of(self, mode: str) -> str:
        """What a mode may spend on a move, in words; the solver counts no simulations."""
        spec = self._spec(mode)
        simulations, seconds = spec.simulations, spec.seconds
        counted = [] if simulations is None else [number_of(simulations, "simulation")]
        return " or ".join([*counted, *([] if seconds is None else [f"{seconds:g} s"])]) + " a move"

    def set_mode(self, mode: str) -> None:
        """Let another mode answer; TandemError when there is none of that name, or it cannot be had here."""
        self._check_mode(mode)
        self.mode, self.level = mode, None
        self._close_level()
        if mode != EXACT:
            self.spec = self.spec.with_options(kind=mode)
            if MODES[mode].needs_net and self.model is not None:
                backend_of(self.model, self.spec)  # refuses what cannot be had now rather than at the first move

    def set_budget(self, *, simulations: str | None = None, seconds: str | None = None) -> None:
        """Count, or clock, the moves from now on; TandemError for budgets of zero or less and for no numbers."""
        self.spec = self.spec.with_options(simulations=simulations, seconds=seconds)
        self.level = None
        self._close_level()

    def set_level(self, level: int) -> None:
        """Let the engine play at a level of interfaces.levels, until a mode or a budget is set."""
        player = self._player(level_spec(level, net=self.model is not None, base=self.spec))
        assert isinstance(player, EnginePlayer)
        self._close_level()
        self.level, self._leveled = level, player

    def _close_level(self) -> None:
        if self._leveled is not None:
            self._leveled.close()
            self._leveled = None

    def new_game(self, start: str | None = None) -> None:
        """Back to the first position, or to that of the text `start`; TandemError when it is none."""
        self.position = Position(self.game) if start is None else Position.from_text(self.game, start)

    @property
    def player(self) -> EnginePlayer | ExactPlayer:
        """The player of the mode that answers now, with the tree of its earlier searches; its net loads here."""
        return self._kept(self.mode)

    def close(self) -> None:
        """Give up the players' threads."""
        self._close_level()
        for player in self._players.values():
            player.close()

    def think(self, stop: Callable[[], bool] | None = None, seconds: float | None = None) -> SearchResult:
        """What the engine would play here; `seconds` replace those of the budget. TandemError when the game is over."""
        return self._run(self.player, stop, seconds)

    def reply(self, stop: Callable[[], bool]) -> SearchResult:
        """What the engine plays here: at its level, if it has one, and else what it thinks."""
        if self._leveled is None:
            return self.think(stop)
        return self._run(self._leveled, stop, None, self._leveled.spec)

    @property
    def replier(self) -> EnginePlayer | ExactPlayer:
        """The player that replies: that of the level, if there is one, and else the mode's."""
        return self._leveled or self.player

    def analyse(self, stop: Callable[[], bool], *, endless: bool) -> SearchResult:
        """As `think`, though what cannot change the move any more is searched too; `endless` knows no budget.

        Modes that do not plan answer at once. Not for the solver.
        """
        player = self.player
        assert isinstance(player, EnginePlayer)
        spec = self.spec.with_options(simulations=MOST_SIMULATIONS, seconds=MOST_SECONDS) if endless else self.spec
        stops_early = bool(player.search.options["early_stop"][0])
        player.search.options["early_stop"] = False
        try:
            return self._run(player, lambda: player.search.proven or stop(), None, spec)
        finally:
            player.search.options["early_stop"] = stops_early

    def weighed(self, result: SearchResult, most: int | None = None) -> list[MoveReport]:
        """What the search of the last reply holds of its moves, or of the `most` foremost; none of the solver's."""
        return self.weighed_by(self.replier, result, most)

    def weighed_by(
        self, player: EnginePlayer | ExactPlayer, result: SearchResult, most: int | None = None
    ) -> list[MoveReport]:
        """What a player's search holds of the moves of its last `result`."""
        if isinstance(player, ExactPlayer):
            return []
        order = np.lexsort((result.prior, result.visits, result.policy))[::-1][:most]
        return player.search.moves(result, {result.action, *result.actions[order].tolist()})

    def think_afresh(self, mode: str, stop: Callable[[], bool]) -> SearchResult:
        """What `mode` would play here within the budget, with no tree from earlier moves."""
        return self._run(self._player(self._spec(mode)), stop, None)

    def fresh_player(self, options: Mapping[str, str]) -> EnginePlayer | ExactPlayer:
        """A player of its own, of the spec that `spec_of` makes of these options; TandemError as there."""
        return self._player(self.spec_of(options))

    def spec_of(self, options: Mapping[str, str]) -> PlayerSpec:
        """The session's spec with `options`: a mode (default: the one that answers) and what a spec of it takes.

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
        return self._spec(mode).with_options(**(dropped | given))

    def truth(self, stop: Callable[[], bool]) -> dict[int, Solution]:
        """What is proven of every legal action: by endgame tables, or by the solver within TRUTH_SECONDS.

        Nothing where there are no tables and positions may repeat.
        """
        if EXACT not in self.modes:
            return self._endings.solutions(self.position) if self._endings else {}
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
        self,
        player: EnginePlayer | ExactPlayer,
        stop: Callable[[], bool] | None,
        seconds: float | None,
        spec: PlayerSpec | None = None,
    ) -> SearchResult:
        spec = spec or self.spec
        limit = spec.seconds if seconds is None else seconds
        if isinstance(player, ExactPlayer):
            if self.position.ended:
                raise TandemError(f"the game is over ({self.position.ended}); there is nothing to solve")
            return player.search.run(self.position, seconds=limit or DEFAULT_SECONDS, stop=stop)
        # By search alone no mode mates with a queen or a rook against a bare king.
        kept = self._endings.kept(self.position) if self._endings and self.position.playable else None
        moves = kept.actions if kept else None
        result = player.search.run(self.position, simulations=spec.simulations, seconds=limit, stop=stop, moves=moves)
        if kept is None or result.proven is not None:
            return result
        outcome = self.truth(lambda: False)[result.action].value
        return result if outcome is None else replace(result, proven=outcome, plies=0, wdl=certain(outcome))

    @cached_property
    def _endings(self) -> "Tablebase | None":
        if self.game.name != "chess":
            return None
        from interfaces.tablebase import Tablebase  # and python-chess, which other games do not need

        return Tablebase("")

    def _kept(self, mode: str) -> EnginePlayer | ExactPlayer:
        if mode not in self._players:
            self._players[mode] = self._player(self._spec(mode))
        return self._players[mode]

    def _spec(self, mode: str) -> PlayerSpec:
        """How a mode plays here: with the options that it takes.

        The solver takes fewer, and always a time, as it may not finish by itself.
        """
        if mode == EXACT:
            return PlayerSpec(EXACT, seconds=self.spec.seconds or DEFAULT_SECONDS, seed=self.spec.seed)
        spec = self.spec.with_options(kind=mode)
        sources = resolve(self.game, mode, spec.prior, spec.value)
        # What only some modes take was meant for those: the others would refuse it.
        pruning = spec.value_pruning if sources.value == "net" else None
        proofs = spec.proof_nodes if proves_leaves(sources) else None
        return spec.with_options(value_pruning=pruning, proof_nodes=proofs)

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
        player.search.warm_up(self.position)
        return player
