"""A search that was cut off in the middle of an evaluation answers the next question as if it had not been."""

from typing import Any

import numpy as np
import pytest

from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load

GAME = load("connect4")


class FailsOnce:
    """An even net whose fifth evaluation raises."""

    net_id = "fails once"

    def __init__(self, error: type[BaseException] | None) -> None:
        self.error, self.calls = error, 0

    def evaluate(self, planes: Any, logits: Any, wdl: Any) -> None:
        self.calls += 1
        if self.calls == 5 and self.error is not None:
            raise self.error
        logits[:], wdl[:] = 0.0, np.float32(1 / 3)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("leaves", [1, 4])
def test_a_search_survives_a_failed_evaluation(error: type[BaseException], leaves: int) -> None:
    settings = Settings("hybrid", leaves=leaves)
    search, position = Search(GAME, settings, FailsOnce(error)), Position(GAME)
    with pytest.raises(error):
        search.run(position, simulations=100)
    again = search.run(position, simulations=100)
    fresh = Search(GAME, settings, FailsOnce(None)).run(position, simulations=100)
    assert again.simulations == 100
    assert again.visits.tolist() == fresh.visits.tolist()
