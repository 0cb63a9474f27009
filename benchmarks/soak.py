"""Whether training grows in memory: python benchmarks/soak.py [GAME] --minutes 75 --warm-up 15.

Starts train.py in a folder of its own, adds up the resident memory of it and of all its children every few seconds,
and fits a line by least squares to the means of whole minutes after the warm-up. The replay's window is held at
50,000 positions, so that it is full before the warm-up ends: it grows on purpose until `window_most`, by far the
largest thing that does. Linux only, as it reads /proc.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from games.processes import processor  # noqa: E402

SMALL = [
    *("--actors", "1", "--net", "mlp:64", "--simulations", "32", "--fast-simulations", "8", "--late-effort", "1"),
    *("--games-per-actor", "64", "--proof-nodes", "100", "--window-least", "50000", "--window-most", "50000"),
]
# Student's t at 97.5 %, by degrees of freedom; beyond these the normal distribution's 1.96 is within 2 %.
T = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09, 30: 2.04, 60: 2.00}


def tree_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def resident(pid: int) -> float:
    """Megabytes (2^20 bytes) of a process; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def slope(minutes: np.ndarray, megabytes: np.ndarray) -> tuple[float, float]:
    """Least squares: megabytes a minute, and half of its 95 % interval."""
    n, centred = len(minutes), minutes - minutes.mean()
    steep = float(centred @ megabytes / (centred @ centred))
    rest = megabytes - megabytes.mean() - steep * centred
    error = float(np.sqrt(rest @ rest / (n - 2) / (centred @ centred)))
    return steep, error * T[max(known for known in T if known <= n - 2)]


def minute_means(times: list[float], values: list[float], since: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each whole minute after `since` (minutes), for neighbouring samples are no independent witnesses."""
    minute = np.floor(np.array(times) - since).astype(int)
    whole = [m for m in range(minute.max()) if (minute == m).any()]
    return np.array(whole) + 0.5, np.array([np.array(values)[minute == m].mean() for m in whole])


def main() -> None:
    """Train, sample and print a line each minute and the slope at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", nargs="?", default="connect4")
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--warm-up", type=float, default=15.0)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two samples")
    options = parser.parse_args()
    if options.minutes < options.warm_up + 4:
        parser.error("at least four minutes must follow the warm-up")
    print(processor(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", options.game, "--run", f"{folder}/run", "--minutes", "100000", *SMALL]
        training = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began, times, values = time.monotonic(), list[float](), list[float]()
        try:
            while times[-1:] < [options.minutes]:
                time.sleep(options.every)
                if training.poll() is not None:
                    raise SystemExit(f"training ended with code {training.returncode}")
                parts = [resident(pid) for pid in tree_of(training.pid)]
                minute = int((time.monotonic() - began) / 60)
                if times and minute > int(times[-1]):
                    each = " + ".join(f"{part:.1f}" for part in parts)
                    print(f"  {minute:4d} min  {sum(parts):8.1f} MB  ({each})", flush=True)
                times.append((time.monotonic() - began) / 60)
                values.append(sum(parts))
        finally:
            training.send_signal(signal.SIGINT)
            training.wait(120)
        log = Path(folder, "run", "log.jsonl").read_text().splitlines()
    steep, half = slope(*minute_means(times, values, options.warm_up))
    print(f"  {log[-1]}")
    print(
        f"  {steep:+.3f} MB a minute, 95 % interval {steep - half:+.3f} to {steep + half:+.3f}, over the "
        f"{options.minutes - options.warm_up:.0f} minutes after a warm-up of {options.warm_up:.0f}"
    )


if __name__ == "__main__":
    main()
