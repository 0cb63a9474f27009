"""What the engine thinks of a position and of every move in it, as one object that JSON holds: for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.exact import Solution
from engine.modes import EXACT
from engine.position import Position
from engine.result import MoveReport, SearchResult, certain
from games.errors import TandemError
from interfaces.session import Session
from players.player import ExactPlayer

DIGITS = 6  # of the numbers: a value's own error is far larger


def analysis(session: Session, options: Mapping[str, str]) -> dict[str, Any]:
    """The session's position as a mode sees it, searched afresh; values are for the player to move, null is unknown.

    `options` are a mode and the options of a player spec, as text. Neither the game nor the session's settings change.
    Raises TandemError when the game is over, and for modes and options that cannot be had.
    """
    position = session.position
    if not position.playable:
        raise TandemError("game over")
    player = session.fresh_player(options)
    try:
        if isinstance(player, ExactPlayer):
            return solved(position, player.search.moves(position, seconds=player.spec.seconds))
        result = player.choose(position).result
        assert result is not None
        return searched(position, result, player.search.moves(result), player.net_id)
    finally:
        player.close()


def searched(
    position: Position, result: SearchResult, reports: Sequence[MoveReport], net_id: str | None
) -> dict[str, Any]:
    """The object of a search's result, and of what its tree holds of each move."""
    root = {
        "net": net_id,
        "move": result.move,
        "pv": result.pv,
        "value": result.value,
        "wdl": result.wdl,
        "proven": result.proven,
        "plies": None if result.proven is None else result.plies,
        "simulations": result.simulations,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
    }

    def worth(m: MoveReport) -> tuple[bool, float, float, float]:
        return m.move == result.move, m.policy or 0, -2 if m.q is None else m.q, m.prior or 0

    moves = [vars(report) for report in sorted(reports, key=worth, reverse=True)]
    found = {**_heading(position, result.mode), **root, "moves": moves}
    return {key: _rounded(value) for key, value in found.items()}


def _heading(position: Position, mode: str) -> dict[str, Any]:
    to_move = "bw"[position.ply % 2]
    return {"game": position.game.spec, "played": position.moves_text(), "to_move": to_move, "mode": mode}


def rank(solution: Solution) -> tuple[int, int, int]:
    """Sorts moves by what is proven of them: sooner wins and later losses above their like."""
    return solution.lower, solution.upper, -solution.lower * (solution.plies or 0)


def solved(position: Position, proofs: Mapping[int, Solution]) -> dict[str, Any]:
    """The object of what the solver proved of each action; its nodes stand for visits and simulations."""
    solutions = {position.game.format_action(position.state, action): s for action, s in proofs.items()}
    order = sorted(solutions, key=lambda move: rank(solutions[move]), reverse=True)
    lower, upper = (max(bounds) for bounds in zip(*((s.lower, s.upper) for s in solutions.values()), strict=True))
    best, proven = solutions[order[0]], lower if lower == upper else None
    root = {
        "net": None,
        "move": order[0],
        "pv": list(best.line) or order[:1],
        "value": proven,
        "wdl": None if proven is None else certain(proven),
        "proven": proven,
        "plies": None if proven is None else best.plies,
        "simulations": sum(s.nodes for s in solutions.values()),
        "evaluations": 0,
        "seconds": sum(s.seconds for s in solutions.values()),
    }
    reports = [_solved_move(move, solutions[move]) for move in order]
    found = {**_heading(position, EXACT), **root, "moves": [vars(r) for r in reports]}
    return {key: _rounded(value) for key, value in found.items()}


def _solved_move(move: str, s: Solution) -> MoveReport:
    wdl = None if s.value is None else certain(s.value)
    return MoveReport(move, s.nodes, None, None, s.value, wdl, (s.lower, s.upper), s.plies, list(s.line) or [move])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
