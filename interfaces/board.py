"""A game's own drawing made easier to read: the last move and the winning line marked, figures, colours.

What a game draws by render is the base: a cell is a character that stands alone between blanks, and what the last move
did is the difference between two drawings. Marks are brackets in the text, so that they are there without colour, too.
"""

import re

from rich.text import Text

from engine.position import Position
from games.contract import Game, StateArray

Places = set[tuple[int, int]]  # (line, character) of a drawing, both from 0

CELL = re.compile(r"(?<!\S)\S(?!\S)")
NAMES = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "123456789")  # of columns, as far as they go
EMPTY = "."
DISCS = {".": "·", "x": "●", "o": "○"}
CHESS = dict(zip("KQRBNPkqrbnp", "♔♕♖♗♘♙♚♛♜♝♞♟", strict=True))
FIGURES = {"marks": {**DISCS, "x": "×"}, "chequered": DISCS | CHESS}  # by the look of a grid; discs elsewhere
FIRST, SECOND, LABEL, OTHER = "bold red", "bold cyan", "dim", "bold"
LAST, WON, CHANGED = "reverse", "reverse green", "underline"


def board(position: Position, *, figures: bool = True, width: int | None = None) -> Text:
    """The drawing of a position with its last move in round brackets and, at the end, what won in square ones.

    `figures` shows discs and chess pieces in place of letters; a board that is wider than `width` is drawn without the
    blanks between its columns, where it has such.
    """
    game = position.game
    drawing = game.render(position.state)
    moved, changed = difference(game.render(position.states[-2]), drawing) if position.ply else (Places(), Places())
    won = _won(game, position.state, drawing) if position.ended == "rules" else Places()
    lines = drawing.splitlines()
    if any(at == 0 and not cell.isdigit() for (_, at), cell in _cells(drawing).items()):  # room for a bracket
        lines = [f" {line}" for line in lines]
        moved, changed, won = ({(line, at + 1) for line, at in places} for places in (moved, changed, won))
    glyphs = FIGURES.get(game.grid.look if game.grid else "", DISCS) if figures else {}
    text = Text()
    for number, line in enumerate(lines):
        text.append_text(_line(number, line, moved, changed, won, glyphs))
        text.append("\n" if number < len(lines) - 1 else "")
    return text if width is None or max(map(len, text.plain.splitlines())) <= width else _narrow(text)


def difference(before: str, after: str) -> tuple[Places, Places]:
    """What a move did to a drawing: the cells it left and came to, and what else became of others, such as flips.

    Where nothing came to an empty cell, as when one takes a piece, all that changed is the move.
    """
    old, new = _cells(before), _cells(after)
    changed = {place for place in old.keys() & new.keys() if old[place] != new[place]} | (new.keys() - old.keys())
    came = {place for place in changed if old.get(place, EMPTY) == EMPTY}
    left = {place for place in changed if new[place] == EMPTY}
    moved = came | left if came else changed
    return moved, changed - moved


def _cells(drawing: str) -> dict[tuple[int, int], str]:
    return {(i, m.start()): m[0] for i, line in enumerate(drawing.splitlines()) for m in CELL.finditer(line)}


def _won(game: Game, state: StateArray, drawing: str) -> Places:
    """Where the drawing has the cells that won: those of a row of the grid stand on one line, a blank between them."""
    lines, found, begin = drawing.splitlines(), Places(), 0
    for number, row in enumerate(game.pieces(state)):
        line = next((i for i in range(begin, len(lines)) if " ".join(row) in lines[i]), None)
        if line is None:
            return Places()
        at, begin = lines[line].index(" ".join(row)), line + 1
        found |= {(line, at + 2 * column) for r, column in game.ended_by(state) if r == number}
    return found


def _line(number: int, line: str, moved: Places, changed: Places, won: Places, glyphs: dict[str, str]) -> Text:
    found = [(m.start(), m[0]) for m in CELL.finditer(line)]
    names = "".join(c for _, c in found)
    named = len(names) > 1 and any(known.startswith(names) for known in NAMES)
    characters = [*line, " "]
    for places, (opening, closing) in ((won, "[]"), (moved, "()")):
        marked = sorted(at for row, at in places if row == number)
        for at in marked:
            if at - 2 not in marked:
                characters[at - 1] = opening
            characters[at + 1] = closing if at + 2 not in marked else " "
    text, cells = Text(no_wrap=True), dict(found)
    for at, character in enumerate(characters if characters[-1] != " " else characters[:-1]):
        cell = cells.get(at)
        if named or cell is None or cell.isdigit():
            text.append(character, LABEL if character.strip() and character not in "()[]" else "")
            continue
        place = (number, at)
        mark = WON if place in won else LAST if place in moved else CHANGED if place in changed else ""
        text.append(glyphs.get(cell, cell), f"{_colour(cell)} {mark}".strip())
    return text


def _colour(cell: str) -> str:
    if cell == EMPTY:
        return LABEL
    if not cell.isalpha():
        return OTHER
    return FIRST if cell == "x" or cell.isupper() else SECOND


def _narrow(text: Text) -> Text:
    """Without the columns that are blank in every line or hold brackets alone, but for that after the rows' names."""
    lines = text.split("\n")
    columns = ["".join(line.plain[at : at + 1] for line in lines) for at in range(max(len(line) for line in lines))]
    kept = [
        at for at, column in enumerate(columns) if column.strip(" ()[]") or (at and columns[at - 1].strip().isdigit())
    ]
    return Text("\n").join(Text("").join(line[at] for at in kept if at < len(line)) for line in lines)
