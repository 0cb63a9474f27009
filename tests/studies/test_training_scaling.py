"""The exchange rate is the one that made the numbers."""

import numpy as np
import pytest

from studies.training_scaling import BUDGETS, _exchange


@pytest.mark.parametrize("rate", [0.5, 5.0, 15.0])
def test_the_exchange_rate_is_found(rate: float) -> None:
    cost = np.array([10.0, 100.0, 1000.0])
    by_search = 0.4
    by_training = by_search * np.log10(rate)
    odds = 1 + by_training * np.log10(cost)[:, None] + by_search * np.log10(BUDGETS)[None]
    share = 1 / (1 + np.exp(-odds))
    kept = np.arange(100_000)[None, None] < 100_000 * share[..., None]
    assert _exchange(kept, cost) == pytest.approx(rate, rel=0.02)
