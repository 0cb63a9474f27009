"""The modes: where a search takes its priors and its leaf values from. Toggled at run time, for any game."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from games.errors import TandemError, nearest

if TYPE_CHECKING:
    from games.contract import Game

PRIORS, VALUES = ("net", "uniform"), ("net", "rollout", "static")


@dataclass(frozen=True)
class Mode:
    """One way of choosing a move.

    `plies_of_search`: 0 for one evaluation of the root, 1 for one of each child, None for a tree.
    """

    name: str
    prior: str
    value: str
    plies_of_search: int | None
    about: str

    @property
    def needs_net(self) -> bool:
        """Whether a net must be loaded."""
        return "net" in (self.prior, self.value)


MODES = {
    mode.name: mode
    for mode in (
        Mode("search", "uniform", "rollout", None, "direct only: tree search over random play-outs, no net"),
        Mode("net", "net", "net", 0, "amortised only: one forward pass, the best legal move"),
        Mode("value", "uniform", "net", 1, "one ply of search over the learned value"),
        Mode("hybrid", "net", "net", None, "both: the net guides the tree"),
        Mode("auto", "net", "net", None, "the net where it is sure, else the hybrid plans"),
    )
}


# The solver is no way to search, so no Mode; whoever lets people choose a mode offers it beside them.
EXACT = "exact"
CHOICES = {
    **{mode.name: mode.about for mode in MODES.values()},
    EXACT: "the solver: plays perfectly where it finishes, and says what it has proven where not",
}


def about_mode(name: str, game: Game) -> str:
    """What a mode is, in words, for this game."""
    if name == "search" and game.static_value is not None:
        words = game.static_value.__doc__
        return f"direct only: tree search over the game's static value{f' ({words})' if words else ''}, no net"
    return CHOICES[name]


def check_name(name: str, known: Iterable[str]) -> None:
    """TandemError with the nearest of the known modes where `name` is none of them."""
    if name not in known:
        raise TandemError(f"unknown mode '{name}': {nearest(name, known)}modes are {', '.join(known)}")


def resolve(game: Game, name: str, prior: str | None, value: str | None) -> Mode:
    """The mode with its prior or value source replaced; `search` prefers the game's static value to play-outs."""
    check_name(name, MODES)
    mode = MODES[name]
    if mode.name == "search" and value is None and game.static_value is not None:
        value = "static"
    for what, given, known in (("prior", prior, PRIORS), ("value", value, VALUES)):
        if given is not None and given not in known:
            raise TandemError(f"unknown {what} '{given}': it is one of {', '.join(known)}")
    if value == "static" and game.static_value is None:
        raise TandemError(f"value=static: {game.name} defines no static_value; use net or rollout")
    return Mode(mode.name, prior or mode.prior, value or mode.value, mode.plies_of_search, mode.about)
