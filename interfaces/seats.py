"""Who plays which side, and what follows from it: whose turn it is, what a person takes back, who has won."""

from engine.position import Position
from games.errors import TandemError

SIDES = ("first", "second", "both", "none")  # the person's


def person_moves_at(side: str, ply: int) -> bool:
    """Whether the person who plays `side` is the one to move after `ply` moves."""
    return side == "both" or SIDES[ply % 2] == side


def take_back(position: Position, side: str) -> None:
    """Undo the person's last move and what came after it, or a move where they only watch; TandemError without one."""
    watched = side == "none"
    own = next((ply for ply in range(position.ply - 1, -1, -1) if watched or person_moves_at(side, ply)), None)
    if own is None:
        raise TandemError("nothing to take back: " + ("this is the start" if watched else "you have not moved yet"))
    while position.ply > own:
        position.undo()


def verdict(position: Position, side: str) -> str:
    """How a game has ended, to the person who plays `side`."""
    outcome = position.first_player_outcome()
    winner = SIDES[outcome < 0]
    if not outcome:
        words = "a draw"
    elif side not in SIDES[:2]:
        words = f"{winner} wins"
    else:
        words = "you win" if winner == side else "the engine wins"
    return f"{words}: {position.ending}" if position.ending else words
