"""What every benchmark here shares: medians, and two sides measured in turn."""

import statistics
import time
from collections.abc import Callable, Mapping


def in_turn(sides: Mapping[str, Callable[[], float]], runs: int = 5) -> dict[str, list[float]]:
    """Call each side once unmeasured, then `runs` times in turn (A B A B ...); what each call returned."""
    for side in sides.values():
        side()
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            found[name].append(side())
    return found


def report(found: Mapping[str, list[float]], unit: str, base: str) -> None:
    """Print the median and range of each side, and its median ratio to `base`, pair by pair."""
    for name, values in found.items():
        ratio = statistics.median(a / b for a, b in zip(values, found[base], strict=True))
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        print(f"  {name:<34} {statistics.median(values):>12,.0f} {unit}  ({spread})  {ratio:.2f} times {base}")


def per_second(work: Callable[[], int], at_least: float = 0.0) -> float:
    """Units of work that `work` says it did, per second; called again until that many seconds have passed."""
    began, done, seconds = time.perf_counter(), 0, 0.0
    while not done or seconds < at_least:
        done += work()
        seconds = time.perf_counter() - began
    return done / seconds
