"""Games in the Smart Game Format, FF[4], of the games whose files name their number there: SGF = 2, 4 or 11.

What is written keeps to red-bean.com/sgf: Hex to its page hex.html, Gomoku, which has none, to that of Go, as GM 4 lets
it. For Othello there is none either, and what is written is what Edax 4 writes and reads (src/game.c):

    Othello (GM 2)        B[d3], W[PA] for a pass
    Gomoku, Renju (GM 4)  B[hh], points as in Go: the second letter is the row, from the top
    Hex (GM 11)           B[f6], W[swap-pieces]; Black joins top and bottom

What is read may also have points in either notation, passes as Go writes them or left out, both ways to swap in Hex,
White moving first, and the forms of Little Golem: W[mf];B[swap];W[kj], where the result calls who moved first B. Of
variations the first is the game.

sgfmill (MIT) parses the trees, of any GM and without recursion; its boards, for Go alone, are of no use here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from mmap import mmap
from typing import Any

from sgfmill import sgf_grammar

from games.cli import version
from games.contract import Game
from games.errors import GameError, TandemError
from games.movelist import Written
from games.rules import rules

Bytes = bytes | mmap

OTHELLO, GOMOKU, HEX = 2, 4, 11
NAMES = {"1": "Go", "2": "Othello", "3": "chess", "4": "Gomoku and Renju", "11": "Hex"}
OTHER = {"B": "W", "W": "B"}
PASSES = ("", "pa", "pass", "--", "@@", "tt")
SWAPS = ("swap", "swap-pieces", "swap-sides")
ENDS = ("resign", "forfeit")  # a colour's, in the place of a move

Properties = Mapping[str, list[bytes]]


def has_sgf(game: Game) -> bool:
    """Whether games of this kind have an SGF."""
    return game.sgf in (OTHELLO, GOMOKU, HEX)


def parse(game: Game, data: Bytes, begin: int = 0) -> Iterator[Written | TandemError]:
    """The games of a file's bytes, one by one, and in the place of a game that is none of this kind what is wrong.

    `begin` is 0 or the end of a game. Raises TandemError where the bytes are no SGF any more.
    """
    position, number, after = begin, 0, f" after byte {begin:,}" if begin else ""
    while True:
        tokens, end = sgf_grammar.tokenise(data, position)
        if not tokens:
            break
        number += 1
        try:
            tree = sgf_grammar.parse_sgf_game(data[position:end])
        except ValueError as error:
            # Where the next game begins cannot be told.
            raise TandemError(f"game {number}: no whole SGF up to byte {end}: {error}") from None
        position = end
        try:
            nodes = list(sgf_grammar.main_sequence_iter(tree))
            yield _Reader(game, f"game {number}{after}", end).read(nodes)
        except TandemError as error:
            yield GameError("not of this game", f"game {number}{after}, {error}")
    if not number and not begin:
        raise TandemError("no SGF: a game of it begins with (;")


class _Reader:
    """What becomes of one game's nodes."""

    def __init__(self, game: Game, where: str, end: int) -> None:
        self.game, self.where, self.end, self.size = game, where, end, game.planes[1]
        self.moves: list[str] = []
        self.first = ""  # the colour that moved first
        self.mirrored = False  # at the long diagonal, to the frame in which who moves first joins top and bottom
        self.by_seat = False  # colours of the result are those of the players, whatever the moves' are
        self.swapped_sides = False

    def read(self, nodes: Sequence[Properties]) -> Written:
        """The game; TandemError for what is no game of this kind from its first position."""
        self._check_root(nodes[0])
        turn = resigned = ""
        for index, node in enumerate(nodes):
            self._check_setup(node, root=index == 0)
            colours = [colour for colour in OTHER if colour in node]
            if len(colours) > 1 or any(len(node[colour]) > 1 for colour in colours):
                raise TandemError(f"{self._here()}: two moves in one node")
            for colour in colours:
                text = _text(node, colour).strip().lower()
                if text in ENDS:
                    resigned = resigned or colour
                elif not resigned:
                    self._move(colour, turn, text)
                    turn = OTHER[colour]
        winner, first = _winner(_text(nodes[0], "RE")), self.first or "B"
        if not winner and resigned:
            winner = OTHER[resigned]
        elif self.by_seat:
            first = "B"
        outcome = None if not winner else 0 if winner == "draw" else 1 if winner == first else -1
        return Written(self.where, self.moves, outcome, self.end)

    def _here(self) -> str:
        """Which move comes next."""
        return f"move {len(self.moves) + 1}"

    def _check_root(self, root: Properties) -> None:
        kind, ours = _text(root, "GM").strip(), str(self.game.sgf)
        if kind and kind != ours:
            name = NAMES.get(kind, "another game")
            raise TandemError(f"root: GM[{kind:.20}] is {name}; {self.game.name} would be GM[{ours}] ({NAMES[ours]})")
        size = _text(root, "SZ")
        sizes = set(size.replace(" ", "").split(":")) - {""}
        if sizes and sizes != {str(self.size)}:
            others = "".join(f",{key}={value}" for key, value in self.game.parameters.items() if key != "size")
            hint = f"; the game would be {self.game.name}:size={size:.20}{others}" if size.isdigit() else ""
            raise TandemError(f"root: SZ[{size:.20}] is not the size {self.size} of {self.game.spec}{hint}")
        for name, value in re.findall(r"(\w+)=(\w+)", _text(root, "RU")):
            wanted = self.game.parameters.get(name)
            if wanted is not None and str(wanted) != value:
                raise TandemError(f"root: RU[{name}={value:.20}] is not {name}={wanted}; name the game with its {name}")

    def _check_setup(self, node: Properties, root: bool) -> None:
        """Refuse stones that are set up, but for a file that sets the first position up, as Edax does."""
        stones = {
            name: {self._point(_text({name: [value]}, name).strip().lower()) for value in node[name]}
            for name in ("AB", "AW")
            if name in node
        }
        if not stones and "AE" not in node:
            return
        rows = self.game.to_text(rules(self.game).first()).split()[0].split("/")
        cells = [(f"{chr(97 + c)}{r}", stone) for r, row in enumerate(rows, 1) for c, stone in enumerate(row)]
        first = {name: {cell for cell, stone in cells if stone == mark} for name, mark in (("AB", "x"), ("AW", "o"))}
        if not root or "AE" in node or stones != {name: found for name, found in first.items() if found}:
            raise TandemError(f"{self._here()}: stones are set up; only games from the first position can be read")

    def _move(self, colour: str, turn: str, text: str) -> None:
        """Take a node's move; `turn` is the colour that should be next, "" at the beginning."""
        passes = self.game.sgf == OTHELLO and text in PASSES
        letters = re.fullmatch("[a-z]{2}", text) is not None and not passes
        if not self.moves:
            self.first = colour
            if self.game.sgf == HEX and colour == "W":
                # Little Golem, which writes points as two letters, calls who moves first W in the moves and Black else.
                self.by_seat, self.mirrored = letters, not letters
        if self.swapped_sides and len(self.moves) == 2 and colour != turn:
            # White has the move again, as Black's stone and edges went to who played White until now.
            self.first, turn = OTHER[self.first], colour
        if turn and colour != turn:
            if self.game.sgf != OTHELLO:
                raise TandemError(f"{self._here()}: {colour} moves where it is {turn}'s turn")
            self.moves.append("pass")  # forced ones may be left out
        if self.game.sgf == GOMOKU and text in ("", "pass"):
            raise TandemError(f"{self._here()}: a pass, which {self.game.name} does not have")
        if self.game.sgf == HEX and text in SWAPS:
            if "swap" in self.game.parameters and not self.game.parameters["swap"]:
                spec = f"{self.game.spec}{',' if ':' in self.game.spec else ':'}swap=1"
                raise TandemError(f"{self._here()}: a swap; name the game as {spec}")
            if text == "swap-sides":
                self.swapped_sides, self.mirrored = True, not self.mirrored
            self.moves.append("swap")
        elif passes:
            self.moves.append("pass")
        else:
            self.moves.append(self._point(text))

    def _point(self, text: str) -> str:
        """A cell as the game writes it, mirrored where that is asked for; what is no cell of the board as it stands."""
        cell = re.fullmatch("([a-z])([a-z]|[0-9]{1,2})", text)
        if cell is None:
            return text
        column, row = ord(cell[1]) - 96, ord(cell[2]) - 96 if cell[2].isalpha() else int(cell[2])
        if cell[2].isalpha() and self.game.sgf == GOMOKU:
            row = self.size + 1 - row
        if not (0 < column <= self.size and 0 < row <= self.size):
            return text
        if self.mirrored:
            column, row = row, column
        return f"{chr(96 + column)}{row}"


def serialise(game: Game, moves: Sequence[str], outcome: int | None, names: Sequence[str]) -> bytes:
    """A game as SGF, newline included; `names` are those of the first and the second player, "" where not known."""
    rules = ",".join(f"{key}={value}" for key, value in game.parameters.items() if key != "size")
    result = {1: "B+", -1: "W+", 0: "0", None: "?"}[outcome]
    root = {"FF": "4", "GM": str(game.sgf), "SZ": str(game.planes[1]), "AP": f"Tandem:{version()}", "RE": result}
    root |= {key: text for key, text in (("RU", rules), ("PB", names[0]), ("PW", names[1])) if text}
    tree = sgf_grammar.Coarse_game_tree()
    nodes = [{key: [sgf_grammar.escape_text(text.encode())] for key, text in root.items()}]
    nodes += [{"BW"[ply % 2]: [_value(game, move).encode()]} for ply, move in enumerate(moves)]
    tree.sequence = nodes
    return bytes(sgf_grammar.serialise_game_tree(tree))


def _value(game: Game, move: str) -> str:
    """A move of the game as SGF has it."""
    if move in ("pass", "swap"):
        return {"pass": "PA", "swap": "swap-pieces"}[move]
    if game.sgf == GOMOKU:
        return move[0] + chr(97 + game.planes[1] - int(move[1:]))
    return move


def _text(node: Any, name: str) -> str:
    """The first value of a property as text; "" where there is none."""
    values = node.get(name)
    text = sgf_grammar.simpletext_value(values[0]).decode("utf-8", "replace") if values else ""
    return "".join(sign if sign.isprintable() else "?" for sign in text)  # errors quote it


def _winner(text: str) -> str:
    """Of a result: the colour that has won, "draw", or "" for what is not known."""
    words = text.strip().lower()
    if words in ("0", "draw", "jigo", "tie", "d"):
        return "draw"
    won = re.match(r"(b|w)(lack|hite)?(\+.*)?$", words)
    return won[1].upper() if won else ""
