"""The position that the program sets: every `position` line says the whole game."""

from engine.position import Position
from games.chess_text import board_of
from games.contract import Game
from games.errors import TandemError

# No position from before that many plies can come again: 150 without a capture or pawn move end the game.
REMEMBERED = 256


class Board:
    """A game as the program tells it. A line that continues the last one plays only the moves that are new."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self._set_up("startpos")

    @property
    def black(self) -> bool:
        """Whether black is to move."""
        return bool(self.game.record(self.position.state).ply % 2)

    def set(self, text: str) -> None:
        """Do what follows `position`.

        TandemError when it is no position, and the last one stays; or when a move is illegal: it stands before it then.
        """
        words = text.split()
        moves: list[str] = []
        if "moves" in words:
            words, moves = words[: words.index("moves")], words[words.index("moves") + 1 :]
        if words[:1] not in (["startpos"], ["fen"]) or (len(words) == 1) != (words[0] == "startpos"):
            raise TandemError("write position startpos or position fen FEN, and then moves MOVE ... if there are any")
        start = " ".join(words)
        if start != self._start or moves[: len(self._moves)] != self._moves:
            self._set_up(start)
        for move in moves[len(self._moves) :]:
            self._play(move)
            self._moves.append(move)

    def _set_up(self, start: str) -> None:
        fen = start.partition(" ")[2]
        self.position = Position.from_text(self.game, fen) if fen else Position(self.game)
        self._start, self._moves = start, list[str]()

    def _play(self, move: str) -> None:
        if not self.position.legal():
            # By our rules the game is over, though there may be moves, as with too little material to mate.
            board = board_of(self.game.record(self.position.state))
            try:
                board.push_uci(move)
            except ValueError as error:
                raise TandemError(str(error)) from None
            self.position = Position.from_text(self.game, board.fen())
            return
        self.position.play_text(move)
        if self.position.ply >= self.game.max_plies - REMEMBERED:
            self.position = self.position.recent(REMEMBERED)
