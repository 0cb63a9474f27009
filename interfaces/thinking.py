"""The candidate moves of a search, shown while it goes on until a key is pressed or all is proven."""

import time
from collections.abc import Callable

from rich.console import Group
from rich.text import Text

from engine.modes import EXACT
from engine.result import MoveReport, SearchResult, number_of
from games.errors import TandemError
from interfaces.console import Console, Keys
from interfaces.interrupt import interruptible
from interfaces.session import Session
from interfaces.tables import candidates
from players.player import ExactPlayer

REFRESH_SECONDS = 0.2
AROUND = 6  # lines of a screen that are not the table's
SHOWN = 20  # moves of the table that stays


def analyse(session: Session, console: Console, again: Callable[[], None]) -> None:
    """Search the position, showing its moves, until a key, Ctrl-C or a proof; in a pipe once, after the budget.

    `again` shows the position once more. TandemError when the game is over, and in mode exact, which says what is
    proven by /compare.
    """
    if session.position.ended and not session.position.playable:
        raise TandemError("the game is over: there is nothing to analyse")
    player = session.player
    if isinstance(player, ExactPlayer):
        raise TandemError(f"mode {EXACT} weighs no moves: /compare says what it proves of each, /mode chooses another")
    with interruptible() as interrupt, Keys(console) as keys:
        if not console.live:
            result = session.analyse(interrupt.stop, endless=False)
        else:
            with console.refreshing(again) as show:
                shown = time.monotonic()

                def stop() -> bool:
                    nonlocal shown
                    now = time.monotonic()
                    if player.search.simulations and now - shown >= REFRESH_SECONDS:
                        shown = now
                        found = player.search.result()
                        reports = session.weighed_by(player, found, console.height)
                        show(_view(found, reports, console, "any key stops"))
                    return keys.pressed() or interrupt.stop()

                result = session.analyse(stop, endless=True)
    reports = session.weighed_by(player, result)
    console.write(_view(result, reports, console, "stopped by Ctrl-C" * interrupt.caught, SHOWN))


def _view(
    result: SearchResult, reports: list[MoveReport], console: Console, note: str, most: int | None = None
) -> Group:
    rate = f", {result.simulations / result.seconds:,.0f}/s" if result.seconds and result.simulations > 1 else ""
    words = f"{result.mode}: {result.value_text()}  {number_of(result.simulations, 'simulation')}{rate}"
    gap = "  " if len(words) + len(note) + 2 <= console.width else "\n"  # a note is not broken across lines
    head = Text(f"{words}{gap}{note}".rstrip(), "bold")
    return Group(head, candidates(reports, result, console.width, most or max(3, console.height - AROUND)))
