"""The command line of training: what train.py runs."""

import logging
import shlex
import signal
import sys
from argparse import BooleanOptionalAction, Namespace
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from games.cli import Parser
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.notice import tell_when_compiling
from nets.config import NetConfig
from selfplay.config import CHANGEABLE, TrainConfig, default_config, from_table, read_preset

if TYPE_CHECKING:
    from selfplay.loop import Budget, RoundReport

DEFAULT_MINUTES = 5.0
MOST_PARAMETERS = 100_000_000  # with gradients, averages and optimiser some 2 GB
EXAMPLES = """examples:
  python train.py                                    Connect Four, 5 minutes
  python train.py tictactoe --minutes 2 --run runs/ttt
  python train.py connect4 --minutes 30 --run runs/c4   goes on by itself when runs/c4 exists
  python train.py connect4 --minutes 30 --plan          what that buys on this machine
"""


def parser() -> Parser:
    """The flags: budgets, folders, and one for every setting of TrainConfig."""
    p = Parser(prog="train.py", description="Train a net from nothing by self-play.", epilog=EXAMPLES)
    p.add_argument("game", nargs="?", default="connect4", help="a game's name, or the path of a game file")
    budget = p.add_argument_group("budget, of the whole run (default: 5 minutes)")
    budget.add_argument("--minutes", type=float, metavar="N")
    budget.add_argument("--games", type=int, metavar="N", help="at least: the last round is played to its end")
    budget.add_argument("--steps", type=int, metavar="N", help="training steps")
    p.add_argument("--run", type=Path, metavar="DIR", help="folder of the run (default: a new one under runs/)")
    p.add_argument("--preset", type=Path, metavar="FILE", help="TOML file of settings over the game's own")
    p.add_argument("--plan", action="store_true", help="measure for some seconds and print what the budget buys")
    free = ", ".join("--" + name.replace("_", "-") for name in CHANGEABLE)
    group = p.add_argument_group(
        "settings, over the preset's", f"A run keeps its own; {free} may change as it goes on."
    )
    for item in fields(TrainConfig):
        flag, about = "--" + item.name.replace("_", "-"), item.metadata["about"]
        if isinstance(item.default, bool):
            group.add_argument(flag, action=BooleanOptionalAction, default=None, help=about)
        else:
            group.add_argument(flag, type=type(item.default), default=None, metavar="X", help=about)
    return p


def main(arguments: list[str]) -> int:
    """Train, or plan to; returns the exit code."""
    options = parser().parse_args(arguments)
    game = load(options.game)
    tell_when_compiling(game.spec)
    given = {item.name: getattr(options, item.name) for item in fields(TrainConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    config = read_preset(options.preset, default_config(game)) if options.preset else default_config(game)
    config = replace(config, **given)
    parameters = NetConfig.parse(config.net).parameters(game)
    if parameters > MOST_PARAMETERS:
        raise TandemError(
            f"net {config.net} has {parameters:,} parameters; at most {MOST_PARAMETERS:,} are trained here"
        )
    from selfplay.loop import Budget  # torch takes a second to import, and a wrong flag should not wait for it

    asked = (options.minutes, options.games, options.steps)
    budget = Budget(*asked) if any(n is not None for n in asked) else Budget(minutes=DEFAULT_MINUTES)
    if options.plan:
        if config.learner != "search":
            raise TandemError(f"--plan knows what search costs, not {config.learner}; leave one of the two out")
        from selfplay.plan import plan

        print(plan(game, config, budget))
        return 0
    return train(game, config, budget, options, given)


def train(game: Game, config: TrainConfig, budget: "Budget", options: Namespace, given: dict[str, Any]) -> int:
    """Run the loop with a progress bar, and end with the command that plays the result."""
    from selfplay.executors import compile_kernels
    from selfplay.loop import Loop
    from selfplay.rundir import RunDir

    logging.basicConfig(format="%(message)s")
    path = options.run or _new_run(game)
    identity = {"game": game.spec, "rules_id": game.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(path, identity) as run:
        if run.resumed:
            config = _agreed(run.config, game, given, options.preset, config, path)
        if config.learner == "ppo":
            from selfplay.ppo import PpoLoop

            loop: Loop = PpoLoop(game, config, budget, run)
        else:
            loop = Loop(game, config, budget, run)
        before = loop.progress.share(budget)
        if before >= 1:
            raise TandemError(f"{path} has spent its {budget}; ask for more, such as {budget.doubled().flag()}")
        if run.config["settings"] != asdict(config):
            run.save_config({**run.config, "settings": asdict(config)})
        if config.learner == "search":
            compile_kernels(game, config, loop.trainer.average)
        began = "resuming" if run.resumed else "training"
        print(f"{began} {config.net} on {game.spec} for {budget} in {path}", flush=True)
        interrupted = _run_with_bar(loop, budget)
        p, words = loop.progress, shlex.join([game.spec, "--run", str(path)])
        print(
            f"{p.games:,} games, {p.positions:,} positions, {p.evaluations:,} evaluations, {p.steps:,} steps "
            f"in {p.seconds / 60:.1f} minutes" + (f"; {loop.strength}" if loop.strength else "")
        )
        if interrupted:
            print(f"stopped and saved; go on with: python train.py {words} {budget.flag()}")
        print(f"python play.py {words}")
    return 0


def _run_with_bar(loop: Any, budget: "Budget") -> bool:
    """Run the loop under a progress bar; True when Ctrl-C stopped it."""
    interrupts = 0

    def on_interrupt(*_: object) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            raise KeyboardInterrupt
        print("\nstopping after this round, saving (Ctrl-C again to leave at once)", file=sys.stderr, flush=True)
        loop.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    words, done = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}", round(1000 * loop.progress.share(budget))
    try:
        with tqdm(total=1000, initial=done, bar_format=words, mininterval=1) as bar:

            def watch(report: "RoundReport") -> None:
                shown = [f"{report.progress.games:,} games", f"{report.evaluations_per_second:,.0f} evaluations/s"]
                if report.losses:
                    shown.append(f"loss {report.losses.policy:.3f}+{report.losses.value:.3f}")
                if loop.strength:
                    shown.append(loop.strength.brief())
                bar.set_postfix_str(", ".join(shown), refresh=False)
                bar.update(min(1000, round(1000 * report.share)) - bar.n)
                if report.strength:
                    bar.write(f"{report.progress.seconds / 60:5.1f} min  {report.strength}")

            loop.run(watch)
    finally:
        signal.signal(signal.SIGINT, before)
    return interrupts > 0


def _agreed(
    saved: dict[str, Any], game: Game, given: dict[str, Any], preset: Path | None, config: TrainConfig, path: Path
) -> TrainConfig:
    """The settings of the run that is there, with those of CHANGEABLE that the command or its preset names.

    TandemError when the command asks for others to change, or for another game.
    """
    if saved.get("rules_id") != game.rules_id:
        what = f"other rules of {game.spec}" if saved.get("game") == game.spec else f"{saved.get('game')}"
        raise TandemError(f"{path} is a run of {what}, not of {game.spec}; give another --run")
    if not isinstance(saved.get("settings"), dict):
        raise TandemError(f"{path}/config.json is damaged: it holds no settings; give another --run")
    kept = from_table(dict(saved["settings"]), TrainConfig(), f"{path}/config.json")
    asked = asdict(config) if preset else given
    for name, value in asked.items():
        if name not in CHANGEABLE and getattr(kept, name) != value:
            flag = name.replace("_", "-")
            raise TandemError(f"{path} trains with --{flag} {getattr(kept, name)}, not {value}; give another --run")
    named = replace(read_preset(preset, kept) if preset else kept, **given)
    return replace(kept, **{name: getattr(named, name) for name in CHANGEABLE})


def _new_run(game: Game) -> Path:
    """The first unused folder runs/GAME-1, runs/GAME-2, ..."""
    number = 1
    while (path := Path("runs") / f"{game.name}-{number}").exists():
        number += 1
    return path
