"""A position with its past: a start state, the actions since, the keys on the way."""

from dataclasses import dataclass, field

from games.contract import Game, StateArray
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
        self.keys = [self._key(state) for state in self.states]

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
        """Why the game is over: "rules", "repetition" or "max plies"; "" while it goes on."""
        if not rules(self.game).legal(self.state):
            return "rules"
        if self.game.repetition and self.keys.count(self.keys[-1]) >= self.game.repetition:
            return "repetition"
        return "max plies" if self.ply >= self.game.max_plies else ""

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

    def copy(self) -> "Position":
        """An independent copy; states are shared, as nobody writes to them."""
        return Position(self.game, list(self.actions), states=list(self.states))

    def legal_text(self) -> str:
        """The legal moves as players write them."""
        return " ".join(self.game.format_action(self.state, a) for a in self.legal()) or "none, the game is over"

    def moves_text(self) -> list[str]:
        """The moves so far as players write them."""
        return [self.game.format_action(self.states[i], a) for i, a in enumerate(self.actions)]

    def _key(self, state: StateArray) -> int:
        return int(rules(self.game).key(state, 0)) if self.game.repetition else 0
