"""Boards as games describe them to be drawn: rows from the top, one character a cell."""

from collections.abc import Sequence

DIRECTIONS = (0, 1), (1, 0), (1, 1), (1, -1)


def runs(rows: Sequence[str], least: int, most: int | None = None) -> list[tuple[int, int]]:
    """The cells (row, column) of all straight runs of one piece that are `least` cells long, or up to `most` if given.

    A run is as long as it goes on; "." is no piece.
    """
    at = {(r, c): piece for r, row in enumerate(rows) for c, piece in enumerate(row) if piece != "."}
    found = set[tuple[int, int]]()
    for (r, c), piece in at.items():
        for down, right in DIRECTIONS:
            if at.get((r - down, c - right)) == piece:
                continue  # not where it begins
            run = [(r, c)]
            while at.get(after := (run[-1][0] + down, run[-1][1] + right)) == piece:
                run.append(after)
            if least <= len(run) <= (most or len(run)):
                found.update(run)
    return sorted(found)
