"""The command line of the study: what study.py runs."""

import json
import math
import platform
import shlex
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from games.cli import Parser
from games.contract import Game
from games.errors import TandemError
from games.files import write_atomic
from games.loader import load
from games.notice import tell_when_compiling
from games.processes import cores
from games.rng import Random
from nets.models import FOLDER, shipped_model
from selfplay.labels import Label, known_labels
from selfplay.rundir import RunDir
from studies import (
    convergence,
    cost,
    decision_scaling,
    domain_size,
    four_cells,
    net_helps_search,
    planning,
    training_scaling,
)
from studies.finding import Finding
from studies.lab import Lab, Net, read_net
from studies.page import render

EXPERIMENTS: dict[str, ModuleType] = {
    "four-cells": four_cells,
    "cost": cost,
    "decision-scaling": decision_scaling,
    "training-scaling": training_scaling,
    "convergence": convergence,
    "net-helps-search": net_helps_search,
    "domain-size": domain_size,
    "planning": planning,
}
DEFAULT_MINUTES, MOST_POSITIONS = 10.0, 1000
EXAMPLES = """examples:
  python study.py connect4                              the nets that ship, 10 minutes, report/index.html
  python study.py connect4 --run runs/c4 --minutes 60   the checkpoints of a run
  python study.py connect4 --only cost,planning --out report/
"""


def parser() -> Parser:
    """The flags."""
    p = Parser(prog="study.py", description="Measure direct against amortised optimisation.", epilog=EXAMPLES)
    p.add_argument("game", nargs="?", default="connect4", help="a game of which positions of known value are at hand")
    p.add_argument("--run", type=Path, metavar="DIR", help="a run of train.py, whose checkpoints are compared")
    p.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, metavar="N", help="for all of it (%(default)g)")
    p.add_argument("--only", metavar="NAME,...", help=f"of {', '.join(EXPERIMENTS)}")
    p.add_argument("--positions", type=int, default=MOST_POSITIONS, metavar="N", help="at most (%(default)s)")
    p.add_argument("--out", type=Path, default=Path("report"), metavar="DIR", help="folder of the report (report)")
    p.add_argument("--seed", type=int, default=1, help="repeats what is counted (%(default)s)")
    return p


def main(arguments: list[str]) -> int:
    """Run or resume the experiments, and write the page."""
    options = parser().parse_args(arguments)
    if not 0 < options.minutes < math.inf:
        raise TandemError(f"--minutes must be above 0, not {options.minutes:g}")
    if options.positions < 1:
        raise TandemError(f"--positions must be at least 1, not {options.positions}")
    names = _names(options.only)
    game = load(options.game)
    tell_when_compiling(game.spec)
    labels = _labels(game, options.positions, options.seed)
    nets = _nets(game, options.run)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TandemError(f"--out: cannot make {options.out}: {error.strerror}") from None
    lab = Lab(game, labels, nets, options.out, options.seed)
    findings: dict[str, tuple[str, str, Finding | None]] = {
        name: (module.TITLE, (module.__doc__ or "").strip(), None) for name, module in EXPERIMENTS.items()
    }
    until = time.monotonic() + 60 * options.minutes
    try:
        with tqdm(total=len(names), unit="experiment") as bar:
            for i, name in enumerate(names):
                bar.set_postfix_str(name)
                now = time.monotonic()
                lab.deadline = now + max(until - now, 0) / (len(names) - i)
                title, question, _ = findings[name]
                findings[name] = title, question, EXPERIMENTS[name].run(lab)
                bar.update()
                _write(game, findings, lab, options.out)
    finally:
        lab.close()
    for name in names:
        title, _, finding = findings[name]
        assert finding is not None
        print(f"{title}: {finding.answer}" + ("" if finding.enough else " (Not enough evidence.)"))
    print(options.out / "index.html")
    return 0


def _names(only: str | None) -> list[str]:
    names = [name.strip() for name in only.split(",")] if only is not None else list(EXPERIMENTS)
    for name in names:
        if name not in EXPERIMENTS:
            raise TandemError(f"--only: there is no experiment '{name}'; there are {', '.join(EXPERIMENTS)}")
    return [name for name in EXPERIMENTS if name in names]


def _labels(game: Game, most: int, seed: int) -> list[Label]:
    """At most that many decisive positions, in an order of their own, so that any first few are spread alike."""
    labels = [label for label in known_labels(game) if label.decisive]
    rng = Random(seed)
    for i in range(len(labels) - 1, 0, -1):
        j = rng.below(i + 1)
        labels[i], labels[j] = labels[j], labels[i]
    return labels[:most]


def _nets(game: Game, run: Path | None) -> list[Net]:
    """The checkpoints of a run, or those that ship for the study, or the net that ships; the least trained first."""
    if run is not None:
        paths = RunDir.read(run).ladder()
        if not paths:
            raise TandemError(f"{run} has no checkpoints yet; train for a minute or more")
    else:
        paths = sorted((FOLDER / f"study-{game.name}").glob("*.safetensors"))
        shipped = shipped_model(game)
        paths = paths or ([shipped] if shipped else [])
        if not paths:
            raise TandemError(f"no net ships for {game.spec}; train one and name its --run")
    return sorted((read_net(path, game) for path in paths), key=lambda net: net.steps or 0)


def _write(game: Game, findings: dict[str, tuple[str, str, Finding | None]], lab: Lab, out: Path) -> None:
    """The page and every number, each whole at any moment."""
    command = shlex.join(["python", "study.py", *sys.argv[1:]])
    facts: dict[str, Any] = {
        "command": command,
        "machine": f"{_processor()}, {cores()} cores",
        "positions": f"{len(lab.labels)} decisive ones at most; a random mover keeps the value in {lab.chance:.1%}",
        "nets": f"{len(lab.nets)}, {lab.nets[0].name}" + (f" to {lab.best.name}" if len(lab.nets) > 1 else ""),
        "seed": lab.seed,
    }
    results = {
        "game": game.spec,
        **facts,
        "findings": {name: asdict(f) if f else None for name, (_, _, f) in findings.items()},
    }
    write_atomic(out / "results.json", (json.dumps(_plain(results), indent=1) + "\n").encode())
    write_atomic(out / "index.html", render(game, findings, facts).encode())


def _plain(value: Any) -> Any:
    """`value` with None for what JSON has no numbers for."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
