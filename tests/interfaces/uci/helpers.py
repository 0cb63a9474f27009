"""An engine in this process, spoken to by lines."""

import queue
import threading

from interfaces.uci.protocol import Uci

PATIENCE = 120  # seconds: kernels may have to be compiled
FLAGS = dict.fromkeys(("mode", "run", "model", "simulations", "seconds", "seed"))
MATE = "fen 6k1/5ppp/8/8/8/8/5PPP/R5K1 w - - 0 1"
MATED = "fen r1bqkb1r/pppp1Qpp/2n2n2/4p3/2B1P3/8/PPPP1PPP/RNB1K1NR b KQkq - 0 4"
STALEMATE = "fen 7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"
ONE_MOVE = "fen 7k/8/8/8/8/8/7r/K7 w - - 0 1"
LIFELESS = "fen 8/8/4k3/8/8/3K4/8/8 w - - 0 1"


class Engine:
    """A Uci whose worker is a thread; what it says is read line by line."""

    def __init__(self, **flags: str) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.failure: BaseException | None = None
        self.uci = Uci({**FLAGS, **flags}, self.lines.put)
        self.worker = threading.Thread(target=self._work, daemon=True)
        self.worker.start()

    def _work(self) -> None:
        try:
            self.uci.work()
        except BaseException as error:
            self.failure = error
            self.lines.put("failed")

    def tell(self, *lines: str) -> None:
        for line in lines:
            self.uci.hear(line)

    def until(self, word: str) -> list[str]:
        """The lines up to the first that begins with `word`."""
        found = [self.lines.get(timeout=PATIENCE)]
        while found[-1].split(" ")[0] != word:
            assert found[-1] != "failed", self.failure
            found.append(self.lines.get(timeout=PATIENCE))
        return found

    def ready(self) -> list[str]:
        """What was said until all searches had ended and it was ready, without that."""
        assert self.uci._halt.answered.wait(PATIENCE)
        self.tell("isready")
        return self.until("readyok")[:-1]

    def go(self, line: str, position: str | None = None) -> list[str]:
        """The lines of one search, the move's included."""
        if position is not None:
            self.tell(f"position {position}")
        self.tell(line)
        return self.until("bestmove")

    def move(self, line: str, position: str | None = None) -> str:
        return self.go(line, position)[-1].split()[1]

    def silent(self, seconds: float = 0.1) -> bool:
        """Whether no move comes for a while."""
        try:
            while True:
                if self.lines.get(timeout=seconds).startswith("bestmove"):
                    return False
        except queue.Empty:
            return True

    def close(self) -> None:
        self.tell("quit")
        self.worker.join(PATIENCE)
        assert not self.worker.is_alive()


def fields(line: str) -> dict[str, str]:
    """An info line's words: those of more than one value together."""
    words = line.split()[1:]
    found = {}
    while words:
        name = words.pop(0)
        count = {"score": 2, "wdl": 3, "pv": len(words)}.get(name, 1)
        found[name] = " ".join(words[:count])
        words = words[count:]
    return found


def best(lines: list[str]) -> dict[str, str]:
    """The last line on the best move."""
    return fields([line for line in lines if " multipv 1 " in line][-1])
