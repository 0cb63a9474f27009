"""The command line of the study: what study.py runs."""

import datetime
import json
import math
import shlex
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from games.cli import Parser
from games.contract import Game
from games.errors import TandemError, nearest
from games.files import write_atomic
from games.loader import load
from games.notice import tell_when_compiling
from games.processes import processor
from games.rng import Random
from nets.models import FOLDER, shipped_model, shipped_path
from selfplay.labels import Label, known_labels
from selfplay.rundir import RunDir
from studies import (
    convergence,
    cost,
    data,
    decision_scaling,
    domain_size,
    four_cells,
    matches,
    net_convergence,
    net_helps_search,
    objective,
    out_of_distribution,
    planning,
    search_helps_net,
    training_scaling,
)
from studies.finding import Finding, restored
from studies.lab import ANSWERS, Lab, Net, read_net
from studies.page import render

# In the order of the page, each with its share of the time beside the others'.
EXPERIMENTS: dict[str, tuple[ModuleType, float]] = {
    "four-cells": (four_cells, 35),
    "cost": (cost, 4),
    "decision-scaling": (decision_scaling, 4),
    "training-scaling": (training_scaling, 20),
    "convergence": (convergence, 3),
    "net-convergence": (net_convergence, 5),
    "net-helps-search": (net_helps_search, 3),
    "search-helps-net": (search_helps_net, 6),
    "data": (data, 4),
    "out-of-distribution": (out_of_distribution, 7),
    "objective": (objective, 8),
    "domain-size": (domain_size, 4),
    "planning": (planning, 2),
}
# What is left where no position's value is known.
WITHOUT_TRUTH: dict[str, tuple[ModuleType, float]] = {"matches": (matches, 1)}
RESULTS, PAGE = "results.json", "index.html"
Entry = tuple[str, str, Finding | None]  # title, question, result
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
    game = load(options.game)
    tell_when_compiling(game.spec)
    if options.seed < 0:
        raise TandemError(f"--seed must be 0 or more, not {options.seed}")
    labels = _labels(game, options.positions, options.seed)
    experiments = EXPERIMENTS if labels else WITHOUT_TRUTH
    names = _names(options.only, experiments)
    nets = _nets(game, options.run)
    if not labels:
        print(f"no positions of known value are at hand for {game.spec}: the players meet in matches instead")
    try:
        (options.out / ANSWERS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TandemError(f"--out: cannot make {options.out}: {error.strerror}") from None
    lab = Lab(game, labels, nets, options.out, options.seed, options.run, options.minutes)
    known, made_by = _known(options.out / RESULTS, _facts(lab))
    findings: dict[str, Entry] = {
        name: (module.TITLE, (module.__doc__ or "").strip(), known.get(name))
        for name, (module, _) in experiments.items()
    }
    shares = {name: experiments[name][1] for name in names}
    try:
        with tqdm(total=len(names), unit="experiment") as bar:
            for name in names:
                bar.set_postfix_str(name)
                # Not of what is left: an experiment that is resumed then plans as it did before.
                lab.deadline = time.monotonic() + 60 * options.minutes * shares[name] / sum(shares.values())
                title, question, before = findings[name]
                found = experiments[name][0].run(lab)
                if found.enough or not (before and before.enough):  # a shorter study leaves a better answer alone
                    findings[name] = title, question, found
                    made_by[name] = f"{_command()}, {datetime.date.today()}"
                bar.update()
                _write(game, findings, made_by, lab, options.out)
    finally:
        lab.close()
    for name in names:
        title, _, finding = findings[name]
        assert finding is not None
        print(f"{title}: {finding.answer}" + ("" if finding.enough else " (Not enough evidence.)"))
    print(options.out / PAGE)
    return 0


def _names(only: str | None, known: Iterable[str]) -> list[str]:
    names = [name.strip() for name in only.split(",")] if only is not None else list(known)
    for name in names:
        if name not in known:
            raise TandemError(
                f"--only: there is no experiment '{name}'; {nearest(name, known)}there are {', '.join(known)}"
            )
    return [name for name in known if name in names]


def _labels(game: Game, most: int, seed: int) -> list[Label]:
    """At most that many decisive positions, in an order of their own, so that any first few are spread alike.

    None for a game of which no position's value is known.
    """
    try:
        labels = [label for label in known_labels(game) if label.decisive]
    except TandemError:
        return []
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
        paths = sorted((FOLDER / f"study-{shipped_path(game).stem}").glob("*.safetensors"))
        shipped = shipped_model(game)
        paths = paths or ([shipped] if shipped else [])
        if not paths:
            raise TandemError(f"no net ships for {game.spec}; train one and name its --run")
    return sorted((read_net(path, game) for path in paths), key=lambda net: net.steps or 0)


def _facts(lab: Lab) -> dict[str, Any]:
    """What all findings of a page have in common."""
    chance = f"; a random mover keeps the value in {lab.chance:.1%}" if lab.labels else ""
    ids = ", ".join(net.net_id for net in lab.nets)
    return {
        "game": lab.game.spec,
        "positions": f"{len(lab.labels)} decisive ones at most{chance}" if lab.labels else "none of known value",
        "nets": f"{lab.nets[0].name}" + (f" to {lab.best.name}" if len(lab.nets) > 1 else "") + f" ({ids})",
        "seed": lab.seed,
    }


def _command() -> str:
    return shlex.join(["python", "study.py", *sys.argv[1:]])


def _known(path: Path, facts: dict[str, Any]) -> tuple[dict[str, Finding], dict[str, str]]:
    """What an earlier study of the same positions and nets found, and by which command.

    Raises TandemError for a damaged file.
    """
    if not path.is_file():
        return {}, {}
    try:
        kept = json.loads(path.read_bytes())
        if any(kept[name] != fact for name, fact in facts.items()):
            return {}, {}
        found = {name: restored(found) for name, found in kept["findings"].items() if found is not None}
        return found, {name: str(words) for name, words in kept["made_by"].items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise TandemError(f"{path} is damaged ({error}); delete it") from None


def _write(game: Game, findings: dict[str, Entry], made_by: dict[str, str], lab: Lab, out: Path) -> None:
    """The page and every number, each whole at any moment."""
    facts = {**_facts(lab), "command": _command(), "machine": processor()}
    results = {
        **facts,
        "made_by": made_by,
        "findings": {name: asdict(f) if f else None for name, (_, _, f) in findings.items()},
    }
    write_atomic(out / RESULTS, (json.dumps(_plain(results), indent=1) + "\n").encode())
    write_atomic(out / PAGE, render(game, findings, made_by, facts).encode())


def _plain(value: Any) -> Any:
    """`value` with None for what JSON has no numbers for."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
