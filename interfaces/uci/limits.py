"""What `go` asks for, and how it is called off. Imports neither Numba nor torch."""

import re
import threading
import time
from dataclasses import dataclass, field

NUMBERS = (
    "wtime", "btime", "winc", "binc", "movestogo", "movetime", "nodes", "depth", "mate", "perft",
)  # fmt: skip
WORDS = ("infinite", "ponder")
MOST_NUMBER = 10**18
LEAST = 0.001  # seconds
MOVES_EXPECTED = 30  # where the clock does not say how many moves it is for
OF_INCREMENT = 0.8  # the rest becomes a reserve, for machines that are busy elsewhere
# Of the clock that one move may take, where it is the last before more time, or the increment is all there is.
MOST_OF_CLOCK = 0.6
MOST_RESERVED = 0.5  # of the clock, for the overhead of later moves that the increments do not pay


@dataclass(frozen=True)
class Limits:
    """One `go`: times in milliseconds, by name; `moves` are those to choose from, in the protocol's notation."""

    numbers: dict[str, int] = field(default_factory=dict)
    moves: tuple[str, ...] = ()
    infinite: bool = False
    ponder: bool = False
    refused: tuple[str, ...] = ()  # what should have been numbers, in words

    @property
    def simulations(self) -> int | None:
        """As many as `nodes` says; a depth of D is 2 ** D of them, so that each ply doubles the work."""
        counted = [] if "nodes" not in self.numbers else [max(1, self.numbers["nodes"])]
        if "depth" in self.numbers:
            counted.append(2 ** min(max(1, self.numbers["depth"]), 62))
        return min(counted, default=None)

    def seconds(self, black: bool, overhead: float) -> float | None:
        """What the player to move may spend, with `overhead` seconds lost between us and the clock; None: any time."""
        if self.infinite:
            return None
        if "movetime" in self.numbers:
            return max(self.numbers["movetime"] / 1000 - overhead, LEAST)
        colour = "b" if black else "w"
        if f"{colour}time" not in self.numbers:
            return None
        left = max(self.numbers[f"{colour}time"], 0) / 1000
        increment = max(self.numbers.get(f"{colour}inc", 0), 0) / 1000
        moves = min(max(self.numbers.get("movestogo", MOVES_EXPECTED), 1), MOVES_EXPECTED)
        gained = (moves - 1) * OF_INCREMENT * increment - (moves + 1) * overhead
        share = (left + max(gained, -MOST_RESERVED * left)) / moves
        return max(min(share, MOST_OF_CLOCK * (left - overhead)), LEAST)

    def bare(self, black: bool) -> bool:
        """Whether it says nothing of when this side is to stop: the other one's clock does not."""
        timed = self.infinite or self.seconds(black, 0) is not None
        return not (timed or self.simulations or "mate" in self.numbers)


def parse_go(words: list[str]) -> Limits:
    """Read what follows `go`; what is unknown is passed over, as the protocol asks."""
    numbers: dict[str, int] = {}
    moves, refused, found = [], [], set()
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if word == "searchmoves":
            while at < len(words) and words[at] not in (*NUMBERS, *WORDS):
                moves.append(words[at])
                at += 1
        elif word in NUMBERS:
            text, at = (words[at] if at < len(words) else ""), at + 1
            if re.fullmatch(r"[+-]?\d{1,1000}", text, re.ASCII):
                numbers[word] = max(-MOST_NUMBER, min(int(text), MOST_NUMBER))
            else:
                refused.append(f"{word} takes a whole number, not '{text}'")
        else:
            found.add(word)
    return Limits(numbers, tuple(moves), "infinite" in found, "ponder" in found, tuple(refused))


class Halt:
    """How one `go` is called off: `stop` and `ponderhit` come from the thread that reads. Times of time.monotonic."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.stopped = False
        self.hit: float | None = None  # when the expected move was played
        self.answered = threading.Event()
        self._change = threading.Event()

    def stop(self) -> None:
        """Answer now."""
        self.stopped = True
        self._change.set()

    def ponderhit(self) -> None:
        """The clock runs from now on."""
        if self.hit is None:
            self.hit = time.monotonic()
        self._change.set()

    def wait(self, *, for_hit: bool) -> None:
        """Until it is stopped or, with `for_hit`, hit."""
        while not (self.stopped or (for_hit and self.hit is not None)):
            self._change.wait()
            self._change.clear()
