"""Positions, candidate moves and comparisons as objects that JSON holds, for the page to draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.exact import Solution
from engine.modes import EXACT
from engine.position import Position
from engine.result import OUTCOME_WORD, MoveReport, SearchResult, certain, in_plies
from games.errors import TandemError
from interfaces.analysis import rank
from interfaces.tables import truth_text
from players.player import EnginePlayer, ExactPlayer

View = dict[str, Any]
MOST_CANDIDATES, MOST_LINE = 12, 8  # moves that are shown, and plies of a principal variation


def board_view(position: Position, ply: int | None = None) -> View:
    """What is to be drawn of a position, or of the one that stood there after `ply` moves; TandemError past the end."""
    game, states, actions = position.game, list(position.states), list(position.actions)
    ply = len(actions) if ply is None else ply
    if not 0 <= ply < min(len(states), len(actions) + 1):
        raise TandemError(f"there is no position after {ply} moves: {len(actions)} have been played")
    state, last = states[ply], []
    if ply:
        last = game.touched(states[ply - 1], actions[ply - 1])
    return {
        "ply": ply,
        "text": game.render(state),
        "pieces": game.pieces(state),
        "last": last,
        "ended_by": game.ended_by(state) if ply == len(actions) and position.ended == "rules" else [],
    }


def legal_view(position: Position) -> list[View]:
    """The legal moves as players write them, each with the cells that it touches; none when the game is over."""
    return [] if position.ended else [_move(position, action) for action in position.legal()]


def for_first(wdl: Sequence[float], ply: int) -> list[float]:
    """Win, draw and loss of the player to move after `ply` moves as those of the player who began."""
    return [round(float(p), 4) for p in (wdl if ply % 2 == 0 else wdl[::-1])]


def evaluation_view(result: SearchResult, ply: int) -> View | None:
    """A point of the graph over the game, for the player who began; None where the solver proved nothing."""
    if result.mode == EXACT and result.proven is None:
        return None
    return {"ply": ply, "wdl": for_first(result.wdl, ply), "mode": result.mode, "value": result.value_text()}


def candidates_view(position: Position, player: EnginePlayer | ExactPlayer, result: SearchResult) -> View:
    """What a search thinks of its best moves, the chosen one first, for the player to move; lines have their cells."""
    if isinstance(player, ExactPlayer):
        outcome = result.proven
        wdl = None if outcome is None else certain(outcome)
        bounds = result.bounds if outcome is None else (outcome, outcome)
        reports = [MoveReport(result.move, 0, None, None, None, wdl, bounds, result.plies or None, result.pv)]
    else:
        order = np.lexsort((result.prior, np.nan_to_num(result.q, nan=-2.0), result.visits, result.policy))[::-1]
        foremost = {result.action, *result.actions[order[:MOST_CANDIDATES]].tolist()}
        found = {report.move: report for report in player.search.moves(result, foremost)}
        names = [position.game.format_action(position.state, action) for action in result.actions[order].tolist()]
        reports = [found.pop(result.move), *(found[name] for name in names if name in found and name != result.move)]
    visits = max(1, int(result.visits.sum()))
    return {
        "ply": position.ply,
        "mode": result.mode,
        "value": result.value_text(),
        "work": result.work_text(),
        "seconds": round(result.seconds, 3),
        "moves": [_candidate(position, report, visits) for report in reports[:MOST_CANDIDATES]],
    }


def compared_view(position: Position, mode: str, result: SearchResult, truth: dict[int, Solution]) -> View:
    """A mode's row of the comparison: what it plays, and what is proven of that."""
    return {
        "mode": mode,
        **_move(position, result.action),
        "value": result.value_text(),
        "wdl": None if result.proven is not None or result.mode == EXACT else [_rounded(p) for p in result.wdl],
        "simulations": result.simulations,
        "milliseconds": round(1000 * result.seconds, 1),
        "truth": truth_text(truth[result.action]) if truth else "",
        "outcome": truth[result.action].value if truth else None,
    }


def truth_view(position: Position, truth: dict[int, Solution]) -> list[View]:
    """The legal moves by what the solver proved of them, the best first."""
    groups: dict[str, View] = {}
    for action in sorted(truth, key=lambda action: rank(truth[action]), reverse=True):
        words = truth_text(truth[action])
        group = groups.setdefault(words, {"truth": words, "outcome": truth[action].value, "moves": []})
        group["moves"].append(position.game.format_action(position.state, action))
    return list(groups.values())


def _move(position: Position, action: int) -> View:
    game = position.game
    return {"move": game.format_action(position.state, action), "cells": game.touched(position.state, action)}


def _candidate(position: Position, report: MoveReport, visits: int) -> View:
    proven = report.bounds[0] if report.bounds[0] == report.bounds[1] else None
    line = _line(position, report.pv)
    return {
        "move": report.move,
        "cells": line[0]["cells"],
        "visits": report.visits,
        # Modes that do not plan visit nothing: what they go by is how they would share the choice out.
        "share": _rounded(report.visits / visits if visits > 1 else report.policy),
        "prior": _rounded(report.prior),
        "q": _rounded(report.q),
        "wdl": None if report.wdl is None else [_rounded(p) for p in report.wdl],
        "proven": None if proven is None else OUTCOME_WORD[proven] + in_plies(report.plies),
        "line": line,
    }


def _line(position: Position, moves: Sequence[str]) -> list[View]:
    """A principal variation, each of its moves with the cells that it touches."""
    ahead, line = position.recent(0), []
    for text in moves[:MOST_LINE]:
        action = ahead.game.parse_action(ahead.state, text)
        line.append(_move(ahead, action))
        ahead.play(action)
    return line


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
