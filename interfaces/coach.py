"""What would have been better, said after one's own weak moves."""

from dataclasses import dataclass

from engine.position import Position
from engine.result import SearchResult, certain
from interfaces.tables import spoken

WEAK = 0.1  # of value, which goes from -1 to 1: five points of win probability


@dataclass(frozen=True)
class Judgement:
    """A person's move beside the best one that the engine found before it, both for the person."""

    best: SearchResult
    move: str
    value: float
    words: str  # of that value

    def text(self) -> str:
        """A line on a move that gives away more than WEAK; "" of one that does not."""
        if self.move == self.best.move or self.best.value - self.value < WEAK:
            return ""
        line = " ".join(self.best.pv)
        return f"coach: {self.best.move} was better: {self.best.value_text()} rather than {self.words}  pv {line}"


def judge(best: SearchResult, move: str, after: SearchResult | Position) -> Judgement:
    """Of a `move` instead of what was found `best`: `after` is the search of the answer, or the position of the end."""
    if isinstance(after, Position):
        outcome = -int(after.outcome())
        return Judgement(best, move, outcome, spoken(certain(outcome), outcome, 1))
    win, draw, loss = after.wdl
    proven = None if after.proven is None else -after.proven
    return Judgement(best, move, -after.value, spoken((loss, draw, win), proven, after.plies and after.plies + 1))
