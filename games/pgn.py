"""Chess games in Portable Game Notation, read as python-chess reads them, but many times as fast.

    [White "Anderssen"]
    [Result "1-0"]

    1. e4 e5 2. f4 exf4 {accepted} 3. Bc4 (3. Nf3) 3... Qh4+ 1-0

A game is its tags, lines in brackets, and its moves up to an empty line. Of the tags, Result, FEN and Variant matter;
comments, numeric glyphs (NAGs) and variations are passed over. Where games begin and end, what is a move and which is
meant is python-chess's to say (chess.pgn.read_game, Board.parse_san), whose framing is rebuilt here on bytes; moves
written in the common ways are then found in our own legal lists, by compiled code, and those of games with any other
by python-chess itself. Never is more held in memory than a piece of the file and one game.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from games.chess_text import action_of, board_of
from games.chess_value import kind_at
from games.compiler import kernel
from games.contract import Game, StateArray
from games.errors import GameError, TandemError
from games.rules import rules

PIECE = 1 << 18  # bytes read at once, and the most of a line and of a game's moves
RESULTS = {b"1-0": 1, b"0-1": -1, b"1/2-1/2": 0}  # for white
SPACE = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
TAG = re.compile(rb'^\[([A-Za-z0-9][A-Za-z0-9_+#=:-]*)\s+"([^\r]*)"\]\s*$')
# What python-chess takes for chess: its own board's names.
CHESS = ("standard", "chess", "classical", "normal", "illegal", "from position")
CHESS960 = ("chess960", "chess 960", "fischerandom", "fischerrandom", "fischer random")
WILD = tuple(f"wild/{n}" for n in ("0", "1", "2", "3", "4", "5", "6", "7", "8", "8a"))
MOVE = (
    rb"[NBKRQ]?[a-h]?[1-8]?[\-x]?[a-h][1-8](?:=?[nbrqkNBRQK])?"
    rb"|[PNBRQK]?@[a-h][1-8]|--|Z0|0000|@@@@|O-O(?:-O)?|0-0(?:-0)?"
)
TOKEN = re.compile(rb"(" + MOVE + rb")|\$[0-9]+|(\()|(\))|(\*|1-0|0-1|1/2-1/2)|[\?!]{1,2}")
SAN = re.compile(rb"([NBKRQ])?([a-h])?([1-8])?[\-x]?([a-h])([1-8])(?:=?([nbrqkNBRQK]))?")
KINDS = {None: 1, b"N": 2, b"K": 3, b"B": 5, b"R": 6, b"Q": 7}
# Comments of a line; of one that does not end there, all but its brace. No line takes more than one pass.
COMMENT = re.compile(rb"\{[^}]*\}|;.*|(?<=\{)[^}]*\Z", re.DOTALL)
NOTHING, UNUSUAL, SHORT, LONG = 0, -5, 1 << 20, 1 << 21
RESULT_WORDS = {-1: b"1-0", -2: b"0-1", -3: b"1/2-1/2"}
RESULT_CODES = {word: code for code, word in RESULT_WORDS.items()} | {b"*": NOTHING}
FOUND, ILLEGAL, AMBIGUOUS, OVER = range(4)
MOST_WORDS, MOST_WORD = 1 << 16, 20  # different ones whose codes are kept, and their bytes
MOST_QUOTED = 40  # characters of what is wrong


@dataclass(frozen=True)
class Resolved:
    """A game as a file has it, its moves known to be legal.

    `start` is an array of one record; `outcome` is +1, 0 or -1 for the player who moved first, None where the file does
    not say; `end` is how many bytes of the file have been read with it.
    """

    start: StateArray
    actions: list[int]
    outcome: int | None
    end: int


def has_pgn(game: Game) -> bool:
    """Whether PGN can hold games of this kind."""
    return game.name == "chess"


def parse(game: Game, file: BinaryIO, begin: int = 0) -> Iterator[Resolved | GameError]:
    """The games from byte `begin` on, 0 or the end of one, and in the place of each that cannot be read an error."""
    reader, number, after = _Reader(file, begin), 0, f" after byte {begin:,}" if begin else ""
    parser = _Parser(game)
    while (text := reader.game()) is not None:
        number += 1
        try:
            start, actions, outcome = parser.parse(text)
            yield Resolved(start, actions, outcome, reader.end)
        except GameError as error:
            yield GameError(error.kind, f"game {number} (line {text.line}{after}): {error}")


@dataclass
class _Text:
    """A game as it stands in the file, without comments; `flaw` says why it cannot be read."""

    line: int
    tags: dict[bytes, bytes] = field(default_factory=dict)
    moves: list[bytes] = field(default_factory=list)
    flaw: str = ""


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines that end in LF, CR or both, with their ends; one of over a piece's length comes in parts."""
    rest = b""
    while piece := file.read(PIECE):
        lines = (rest + piece).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()  # CR may be half an end
        yield from lines
        if len(rest) > PIECE:
            yield rest
            rest = b""
    if rest:
        yield rest


class _Reader:
    """Cuts a file into games."""

    def __init__(self, file: BinaryIO, begin: int) -> None:
        file.seek(begin)
        self._lines = _lines(file)
        self.end, self._line, self._cut = begin, 0, False

    def _next(self) -> bytes:
        """The next line, nothing at the end of the file."""
        line = next(self._lines, b"")
        self.end += len(line)
        self._line += 1
        self._cut = self._cut or len(line) > PIECE
        return line

    def game(self) -> _Text | None:
        """The next game, None where there is none."""
        line = self._next().lstrip(b"\xef\xbb\xbf")
        while line and (line[0] in b"%;" or not line.strip(SPACE)):
            line = self._next()
        if not line:
            return None
        text = _Text(self._line)
        self._read_moves(self._read_tags(line, text), text)
        if self._cut:
            text.flaw, self._cut = f"a line of more than {PIECE:,} bytes", False
        return text

    def _read_tags(self, line: bytes, text: _Text) -> bytes:
        """Take the tags; the first line that is none."""
        empty = 0
        while line:
            if line[0] == 0x5B:  # [
                empty = 0
                if line[1:2] in (b"R", b"F", b"V") and (tag := TAG.match(line)):
                    text.tags[tag[1]] = tag[2]
            elif line[0] in b"%;":
                pass
            elif not empty and not line.strip(SPACE):  # one empty line may stand among tags
                empty = 1
            else:
                break
            line = self._next()
        return line

    def _read_moves(self, line: bytes, text: _Text) -> None:
        """Take the moves, comments left out, up to an empty line outside of a comment."""
        size, fresh = 0, True
        while line:
            if fresh and line[0] in b"%;":
                line = self._next()
                continue
            if fresh and not line.strip(SPACE):
                break
            kept = COMMENT.sub(b" ", line) if b"{" in line or b";" in line else line
            opened = kept.find(b"{")
            if fresh := opened < 0:
                line = self._next()
            else:
                kept, line = kept[:opened], self._after_comment(text)
            size += len(kept)
            if size > PIECE:
                text.flaw = f"more than {PIECE:,} bytes of moves"
                text.moves.clear()
            else:
                text.moves.append(kept)

    def _after_comment(self, text: _Text) -> bytes:
        """What follows a comment, which does not end on this line, on that on which it does."""
        opened, line = self._line, self._next()
        while line and b"}" not in line:
            line = self._next()
        if not line:
            text.flaw = f"the comment that begins on line {opened} never ends"
        return line[line.find(b"}") + 1 :]


class _Words(dict[bytes, int]):
    """The code of each word of a game's moves, found once.

    A move: kind | square << 3 | file << 9 | row << 13 | way << 17, all as white sees them, the last three one more than
    they are, or 0; SHORT or LONG to castle. Results are below 0, UNUSUAL is what takes a closer look.
    """

    def __missing__(self, word: bytes) -> int:
        found = [match[0] for match in TOKEN.finditer(word) if match[0][:1] not in b"$?!"]
        code = NOTHING if not found else self._code(found[0]) if len(found) == 1 else UNUSUAL
        if len(self) < MOST_WORDS and len(word) <= MOST_WORD:
            self[word] = code
        return code

    @staticmethod
    def _code(token: bytes) -> int:
        if token in RESULT_CODES:
            return RESULT_CODES[token]
        if token in (b"O-O", b"0-0"):
            return SHORT
        if token in (b"O-O-O", b"0-0-0"):
            return LONG
        found = SAN.fullmatch(token)
        if found is None or (found[1] is None and found[2] and found[3]):  # squares alone, which may castle too
            return UNUSUAL
        kind, column, row, to_column, to_row, promotion = found.groups()
        code = KINDS[kind] | (to_column[0] - 97 + 8 * (to_row[0] - 49)) << 3
        if column is None and kind is None:
            column = to_column  # a pawn that does not say where it comes from takes nothing
        code |= (column[0] - 96 if column else 0) << 9 | (row[0] - 48 if row else 0) << 13
        return code | (b"qnbrk".index(promotion.lower()) + 1 if promotion else 0) << 17


class _Parser:
    """Plays games through."""

    def __init__(self, game: Game) -> None:
        self.game, self.words, self.resolve = game, _Words(), resolver(game)
        self.first = rules(game).first()

    def parse(self, text: _Text) -> tuple[StateArray, list[int], int | None]:
        """The start, the actions from there, and the outcome for who moves first, None where it is not said.

        Raises GameError for what is no game of chess.
        """
        if text.flaw:
            raise GameError("unreadable", text.flaw)
        start = self._start(text.tags)
        words = b" ".join(text.moves).split()
        codes = [self.words[word] for word in words]
        if unusual := UNUSUAL in codes:
            words = main_line(b" ".join(words))
            codes = [self.words[word] for word in words]
            unusual = UNUSUAL in codes
        # Kept for errors, and for python-chess, which wants them without numbers and glyphs.
        moves = [word for word, code in zip(words, codes, strict=True) if code > 0 or code == UNUSUAL]
        if len(moves) > self.game.max_plies:
            raise GameError("too long", f"{len(moves):,} plies; at most {self.game.max_plies:,} are played")
        actions = self._by_python_chess(start, moves) if unusual else self._by_kernel(start, moves, codes)
        result = text.tags.get(b"Result", b"*")
        if result == b"*":
            result = next((RESULT_WORDS[code] for code in codes if code in RESULT_WORDS), result)
        outcome = RESULTS.get(result)
        return start, actions, -outcome if outcome and start["ply"][0] % 2 else outcome

    def _start(self, tags: Mapping[bytes, bytes]) -> StateArray:
        variant = tags.get(b"Variant", b"chess").decode(errors="replace").lower()
        if variant in CHESS960:
            raise GameError("Chess960", f"Variant {variant}: castling differs from that of chess")
        if variant not in CHESS + WILD:
            raise GameError("another variant", f"Variant {variant[:MOST_QUOTED]!r} is not chess")
        fen = tags.get(b"FEN")
        if fen is None:
            return self.first
        try:
            return self.game.from_text(fen.decode(errors="replace"))
        except TandemError as error:
            raise GameError("a broken FEN", str(error)) from None

    def _by_kernel(self, start: StateArray, moves: Sequence[bytes], codes: Sequence[int]) -> list[int]:
        wanted, actions = np.array([code for code in codes if code > 0], np.int64), np.empty(len(moves), np.int64)
        played, status = self.resolve(start.copy(), wanted, actions)
        if status != FOUND:
            raise _refused(start, played, moves[played], status)
        return actions.tolist()

    def _by_python_chess(self, start: StateArray, moves: Sequence[bytes]) -> list[int]:
        import chess

        actions, ply = list[int](), int(start["ply"][0])
        board = board_of(self.game.record(start))
        for word in moves:
            token = next(match[1] for match in TOKEN.finditer(word) if match[1])
            try:
                move = board.parse_san(token.decode())
            except chess.AmbiguousMoveError:
                raise _refused(start, len(actions), word, AMBIGUOUS) from None
            except ValueError:
                raise _refused(start, len(actions), word, ILLEGAL) from None
            if not move:
                raise GameError("a null move", f"{_numbered(start, len(actions), word)} passes; chess has no pass")
            actions.append(action_of(move, ply + len(actions)))
            board.push(move)
        return actions


def main_line(moves: bytes) -> list[bytes]:
    """The moves and results, each by itself, that are in no variation."""
    found, depth, played = list[bytes](), 0, False
    for match in TOKEN.finditer(moves):
        if match[2]:
            depth += depth > 0 or played  # before the first move there is nothing to vary
        elif match[3]:
            depth = max(0, depth - 1)
        elif not depth and (match[1] or match[4]):
            found.append(match[0])
            played = played or match[1] is not None
    return found


def _numbered(start: StateArray, played: int, word: bytes) -> str:
    ply = int(start["ply"][0]) + played
    dots = "..." if ply % 2 else "."
    return f"move {ply // 2 + 1}{dots} {word[:MOST_QUOTED].decode(errors='replace')!r}"


def _refused(start: StateArray, played: int, word: bytes, status: int) -> GameError:
    kind, words = {
        ILLEGAL: ("an illegal move", "is illegal"),
        AMBIGUOUS: ("an illegal move", "can be more than one move"),
        OVER: ("moves after the end", "comes after the end"),
    }[status]
    return GameError(kind, f"{_numbered(start, played, word)} {words}")


@cache
def resolver(game: Game) -> Callable[[StateArray, NDArray[np.int64], NDArray[np.int64]], tuple[int, int]]:
    """A kernel that finds the actions of moves written as _Words says.

    It takes the position as an array of one record, which it plays on, the codes [moves] and where to write actions
    [moves]; it returns how many were found, and FOUND or what is wrong with the next.
    """
    r_legal, r_play, max_legal = game.legal, game.play, game.max_legal
    r_kind: Callable[..., Any] = kind_at

    @kernel(game)
    def resolve(states: Any, codes: Any, actions: Any) -> Any:
        legal = np.empty(max_legal, np.int32)
        s = states[0]
        for i in range(codes.shape[0]):
            code = codes[i]
            kind, square, way = code & 7, (code >> 3) & 63, (code >> 17) & 7
            column, row = (code >> 9) & 15, (code >> 13) & 15
            flip = 56 if s.ply & 1 else 0
            n, fitting = r_legal(s, legal), 0
            if n == 0:
                return i, OVER
            for j in range(n):
                origin, target = (legal[j] >> 6) & 63, legal[j] & 63
                moved = r_kind(s, origin)
                if moved == 3 and (target - origin == 2 or origin - target == 2):
                    fits = code == (SHORT if target > origin else LONG)
                else:
                    became = (legal[j] >> 12) + 1 if moved == 1 and target >= 56 else 0
                    fits = moved == kind and target == square ^ flip and became == way
                    fits = fits and (column == 0 or (origin & 7) + 1 == column)
                    fits = fits and (row == 0 or ((origin ^ flip) >> 3) + 1 == row)
                if fits:
                    fitting += 1
                    actions[i] = legal[j]
            if fitting != 1:
                return i, AMBIGUOUS if fitting else ILLEGAL
            r_play(s, actions[i])
        return codes.shape[0], FOUND

    return resolve


def serialise(
    game: Game, start: StateArray, moves: Sequence[str], outcome: int | None, names: Sequence[str], termination: str
) -> bytes:
    """A game as PGN, an empty line after it included.

    `moves` are written as the game writes them; `outcome` and `names`, "" where not known, are those of who moved first
    and second; `termination` says how it ended.
    """
    import chess
    import chess.pgn

    board, written = board_of(game.record(start)), chess.pgn.Game()
    white, black = names if board.turn else reversed(names)
    won = -outcome if outcome and not board.turn else outcome
    tags = {"Date": f"{datetime.date.today():%Y.%m.%d}", "White": white, "Black": black, "Termination": termination}
    written.headers.update({name: " ".join(text.split()) for name, text in tags.items() if text})
    written.headers["Result"] = {1: "1-0", -1: "0-1", 0: "1/2-1/2", None: "*"}[won]
    written.setup(board)
    written.add_line(chess.Move.from_uci(move) for move in moves)
    return f"{written}\n\n".encode()
