"""What each mode would play, side by side, and what the solver proves of every move."""

from collections.abc import Callable

from rich.table import Table

from engine.exact import Solution
from engine.modes import EXACT
from engine.result import SearchResult
from games.errors import TandemError
from interfaces.analysis import rank
from interfaces.console import Console
from interfaces.interrupt import interruptible
from interfaces.session import TRUTH_SECONDS, Session
from interfaces.tables import fitted, in_short, truth_text


def compare(session: Session, console: Console, again: Callable[[], None]) -> None:
    """Show what each mode answers here, as the answers come; Ctrl-C ends it. TandemError when the game is over.

    `again` shows the position once more.
    """
    if session.position.ended:
        raise TandemError("the game is over: there is nothing to compare")
    with interruptible() as interrupt:
        truth = session.truth(interrupt.stop)
    if interrupt.caught:
        console.write("stopped by Ctrl-C")
        return
    budget, solvers = session.budget_of(session.spec.kind), session.budget_of(EXACT)
    other = f" ({EXACT}: {solvers})" if solvers != budget and EXACT in session.modes and truth else ""
    console.write(f"each mode with {budget}{other}, values for the side to move:")
    results: dict[str, SearchResult] = {}

    def table() -> Table:
        return _table(session, results, truth, console.width)

    with console.refreshing(again) as show:
        show(table())
        for mode in session.modes:
            with interruptible() as interrupt:
                results[mode] = session.think_afresh(mode, interrupt.stop)
            show(table())
            if interrupt.caught:
                break
    console.write(table())
    if interrupt.caught:
        console.write("stopped by Ctrl-C")
        return
    if session.model is None:
        console.write(f"the other modes need a net: python train.py {session.game.spec} makes one")
    if truth:
        solver = f"the solver proves of each move within {TRUTH_SECONDS:g} s"
        console.write(f"what {solver if EXACT in session.modes else 'the tables say of each move'}:")
        console.write(_proofs(session, truth, console.width))


def _table(session: Session, results: dict[str, SearchResult], truth: dict[int, Solution], width: int) -> Table:
    heads = ["", "mode", "move", "win/draw/loss", "simulations", "milliseconds", "truth" if truth else ""]
    rows = [
        [
            "*" if mode == session.mode else "",
            mode,
            result.move,
            _value(result),
            f"{result.simulations:,}",
            f"{1000 * result.seconds:,.1f}",
            truth_text(truth[result.action]) if truth else "",
        ]
        for mode, result in results.items()
    ]
    own = next((number for number, row in enumerate(rows) if row[0]), None)
    return fitted(heads, rows, width, left=(0, 1, 2, 6), optional=(5, 4), strong=own)


def _value(result: SearchResult) -> str:
    if result.proven is not None:
        return in_short(None, (result.proven, result.proven), result.plies)
    if result.mode != EXACT:
        return in_short(result.wdl, (-1, 1), None)
    return in_short(None, result.bounds, None) or "unknown"


def _proofs(session: Session, truth: dict[int, Solution], width: int) -> Table:
    """The legal moves by what the solver proved of them, the best first."""
    position = session.position
    groups: dict[str, list[str]] = {}
    for action in sorted(truth, key=lambda action: rank(truth[action]), reverse=True):
        move = position.game.format_action(position.state, action)
        groups.setdefault(truth_text(truth[action]), []).append(move)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), width=None)
    for text, moves in groups.items():
        table.add_row(f"  {text}", " ".join(moves))
    return table
