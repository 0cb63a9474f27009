"""Files and folders named by training step, and which of them to keep for the study's training axis."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

_STEP = re.compile(r"\d{8,}")


def by_step(folder: Path, suffix: str) -> list[Path]:
    """What `folder` holds under names of 8 or more digits and `suffix`, by increasing step; empty without a folder."""
    found = folder.iterdir() if folder.is_dir() else ()
    steps = {path: path.name.removesuffix(suffix) for path in found if path.name.endswith(suffix)}
    return sorted((path for path, step in steps.items() if _STEP.fullmatch(step)), key=lambda path: int(steps[path]))


def ladder_steps(steps: Sequence[int], keep: int) -> list[int]:
    """Which of `steps` (distinct, at least 0) to keep, increasing: at most `keep` (2 or more), even in log(1 + step).

    The first and the newest always stay. Applied after every new step, no gap but one between two consecutive steps
    ever exceeds 2 / (keep - 1) of the whole range of logs: the least sum of two neighbouring gaps is merged each time.
    """
    if keep < 2:
        raise ValueError(f"keep is {keep}, and the first and the newest make 2")
    kept = sorted(steps)
    while len(kept) > keep:
        widths = [math.log((1 + after) / (1 + before)) for before, after in zip(kept, kept[2:], strict=False)]
        del kept[1 + widths.index(min(widths))]
    return kept
