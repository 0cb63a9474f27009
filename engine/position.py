"""A position with its past: a start state, the actions since, the keys on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from games.contract import Game, StateArray
from games.defaults import CLAIMED
from games.errors import TandemError
from games.rules import rules


@dataclass
class Position:
    """What search, arena and interfaces share. The engine, not the game, decides repetition from it."""

    game: Game
    actions: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    states: list[StateArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.states:
            self.states = [rules(self.game).first()]
        self.keys = self.keys or [self._key(state) for state in self.states]

    @classmethod
    def from_text(cls, game: Game, text: str) -> "Position":
        """A position that starts where `text` says, with no past."""
        return cls(game, states=[game.from_text(text)])

    @classmethod
    def from_moves(cls, game: Game, moves: list[str]) -> "Position":
        """The position after these moves, written as players write them; TandemError names the first bad one."""
        position = cls(game)
        for move in moves:
            position.play_text(move)
        return position

    @classmethod
    def from_actions(cls, game: Game, start: StateArray, actions: Sequence[int]) -> "Position":
        """The position after these actions from `start`; TandemError where one is illegal."""
        states, keys = np.repeat(start, len(actions) + 1), np.empty(len(actions) + 1, np.uint64)
        played = rules(game).replay(states, np.array(actions, np.int32), keys)
        known = keys[: played + 1].tolist() if game.repetition else [0] * (played + 1)
        views = [states[i : i + 1] for i in range(played + 1)]
        position = cls(game, list(actions[:played]), known, views)
        if played < len(actions):
            position.play(actions[played])  # which says what is wrong
        return position

    @property
    def start(self) -> StateArray:
        """Where the game began, as an array of one record."""
        return self.states[0]

    @property
    def state(self) -> StateArray:
        """Where it stands now, as an array of one record; not to be written to."""
        return self.states[-1]

    @property
    def ply(self) -> int:
        """Actions played since the start."""
        return len(self.actions)

    @property
    def ended(self) -> str:
        """Why the game is over: "rules", "repetition", "claim" or "max plies"; "" while it goes on.

        A claim is that of a draw other than by repetition, such as after chess's fifty moves.
        """
        if not rules(self.game).legal(self.state):
            return "rules"
        key, needed = self.keys[-1], self.game.repetition
        if needed and key == CLAIMED:
            return "claim"
        if needed and self.keys.count(key) >= needed:
            return "repetition"
        return "max plies" if self.ply >= self.game.max_plies else ""

    @property
    def playable(self) -> bool:
        """Whether moves can follow: where a draw can be claimed, or a position came again, nobody may have claimed."""
        return self.ended in ("", "repetition", "claim")

    @property
    def ending(self) -> str:
        """Why the game is over, as players say it: "checkmate"; "" before, and where nothing need be said."""
        ended = self.ended
        if ended == "repetition":
            return {3: "threefold repetition"}.get(self.game.repetition, ended)
        if ended == "max plies":
            return f"{self.game.max_plies:,} plies"
        return self.game.ending(self.state) if ended else ""

    def outcome(self) -> float:
        """Of a game that has ended: +1, 0 or -1 for the player to move."""
        return float(rules(self.game).outcome(self.state, 0)) if self.ended == "rules" else 0.0

    def first_player_outcome(self) -> float:
        """Of a game that has ended: +1, 0 or -1 for the player who moved first from the start."""
        return self.outcome() * (1 if self.ply % 2 == 0 else -1) + 0.0

    def legal(self) -> list[int]:
        """The legal actions in the order of the rules, also where a draw could be claimed."""
        return rules(self.game).legal(self.state)

    def play(self, action: int) -> None:
        """Play a legal action; TandemError when it is not."""
        if action not in self.legal():
            try:
                shown = self.game.format_action(self.state, action)
            except (IndexError, ValueError):
                shown = str(action)
            raise TandemError(f"illegal move {shown}; legal: {self.legal_text()}")
        state = self.state.copy()
        rules(self.game).play(state, 0, action)
        self.actions.append(action)
        self.states.append(state)
        self.keys.append(self._key(state))

    def play_text(self, text: str) -> int:
        """Play the move that `text` names and return its action; TandemError when it names none or it is illegal."""
        action = self.game.parse_action(self.state, text)
        self.play(action)
        return action

    def undo(self) -> int:
        """Take the last action back and return it; TandemError at the start."""
        if not self.actions:
            raise TandemError("nothing to undo: this is the start")
        self.states.pop()
        self.keys.pop()
        return self.actions.pop()

    def recent(self, plies: int) -> "Position":
        """The same position as if the game had begun `plies` actions ago; all of it where it is not that long."""
        first = max(0, self.ply - plies)
        return Position(self.game, self.actions[first:], states=self.states[first:])

    def copy(self) -> "Position":
        """An independent copy; states are shared, as nobody writes to them."""
        return Position(self.game, list(self.actions), list(self.keys), list(self.states))

    def legal_text(self) -> str:
        """The legal moves as players write them."""
        return " ".join(self.game.format_action(self.state, a) for a in self.legal()) or "none, the game is over"

    def moves_text(self) -> list[str]:
        """The moves so far as players write them."""
        return [self.game.format_action(self.states[i], a) for i, a in enumerate(self.actions)]

    def _key(self, state: StateArray) -> int:
        return int(rules(self.game).key(state, 0)) if self.game.repetition else 0
