"""The command line of training: what train.py runs."""

import atexit
import logging
import multiprocessing
import os
import shlex
import signal
import sys
from argparse import SUPPRESS, Action, ArgumentParser, BooleanOptionalAction, Namespace
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from games.check import require_sound
from games.cli import INTERRUPTED, Parser
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from games.notice import tell_when_compiling
from games.typed import require_types
from nets.config import NetConfig
from players.process import REPLY_SECONDS
from selfplay.budget import Budget
from selfplay.config import CHANGEABLE, TrainConfig, default_config, from_table, read_preset
from selfplay.reading import Source, check_file

if TYPE_CHECKING:
    from selfplay.loop import RoundReport
    from selfplay.rundir import RunDir

DEFAULT_MINUTES = 5.0
MOST_PARAMETERS = 100_000_000  # with gradients, averages and optimiser some 2 GB
EXAMPLES = """examples:
  python train.py                                    Connect Four, 5 minutes
  python train.py tictactoe --minutes 2 --run runs/ttt
  python train.py connect4 --minutes 30 --run runs/c4   goes on by itself when runs/c4 exists
  python train.py connect4 --minutes 30 --plan          what that buys on this machine
  python train.py chess --teacher 'uci:stockfish;go nodes 1000' --minutes 60  taught by it first
  python train.py othello --from games.sgf --minutes 30  learns from the games of a file first
  python train.py hex --executor ray --address auto      on a Ray cluster (docs/cluster.md)
"""


class _HelpAll(Action):
    """The help with every setting explained."""

    def __call__(self, short: ArgumentParser, *_: object) -> NoReturn:
        parser(explained=True).print_help()
        short.exit()


def parser(explained: bool = False) -> Parser:
    """The flags: budgets, folders, and one for every setting of TrainConfig.

    The help only names the settings, that it may fit on one screen, unless they are to be `explained`.
    """
    p = Parser(
        prog="train.py",
        usage="train.py [GAME] [flags]",
        description="Train a net from nothing by self-play.",
        epilog=EXAMPLES,
    )
    p.add_argument(
        "game", metavar="GAME", nargs="?", default="connect4", help="a game's name, or the path of a game file"
    )
    budget = p.add_argument_group("budget, of the whole run (default: 5 minutes)")
    budget.add_argument("--minutes", type=float, metavar="N")
    budget.add_argument(
        "--games", type=int, metavar="N", help="at least: the last round is played to its end; 0 with --from for none"
    )
    budget.add_argument("--steps", type=int, metavar="N", help="training steps")
    p.add_argument(
        "--from",
        dest="records",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="learn from these games first: PGN, SGF, move lists (docs/records.md)",
    )
    p.add_argument(
        "--teacher",
        metavar="SPEC",
        help="learn from a player first: uci:COMMAND, search, .. (docs/records.md)",
    )
    p.add_argument(
        "--address", metavar="ADDR", help="with --executor ray: HOST:PORT of the cluster, or auto (docs/cluster.md)"
    )
    p.add_argument("--run", type=Path, metavar="DIR", help="folder of the run (default: a new one under runs/)")
    p.add_argument("--preset", type=Path, metavar="FILE", help="TOML file of settings over the game's own")
    p.add_argument("--plan", action="store_true", help="measure for some seconds and print what the budget buys")
    p.add_argument("--help-all", action=_HelpAll, nargs=0, help="every setting in a line")
    free = ", ".join("--" + name.replace("_", "-") for name in CHANGEABLE)
    about = f"A run keeps its own; {free} may change as it goes on."
    if not explained:
        names = " ".join(item.name.replace("_", "-") for item in fields(TrainConfig))
        about = f"{about} Each is a flag, --NAME X; --help-all explains them: {names}"
    group = p.add_argument_group("settings, over the preset's", about)
    for item in fields(TrainConfig):
        flag, about = "--" + item.name.replace("_", "-"), item.metadata["about"] if explained else SUPPRESS
        if isinstance(item.default, bool):
            group.add_argument(flag, action=BooleanOptionalAction, default=None, help=about)
        else:
            group.add_argument(flag, type=type(item.default), default=None, metavar="X", help=about)
    return p


def main(arguments: list[str]) -> int:
    """Train, or plan to; returns the exit code."""
    options = parser().parse_args(arguments)
    game = load(options.game)
    require_types(game)
    tell_when_compiling(game.spec)
    require_sound(game)  # a training lasts longer than the kit, and would learn what is wrong
    given = {item.name: getattr(options, item.name) for item in fields(TrainConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    config = read_preset(options.preset, default_config(game)) if options.preset else default_config(game)
    config = replace(config, **given)
    parameters = NetConfig.parse(config.net).parameters(game)
    if parameters > MOST_PARAMETERS:
        raise TandemError(
            f"net {config.net} has {parameters:,} parameters; at most {MOST_PARAMETERS:,} are trained here"
        )
    asked = (options.minutes, options.games, options.steps)
    budget = Budget(*asked) if any(n is not None for n in asked) else Budget(minutes=DEFAULT_MINUTES)
    if options.plan and (options.records or options.teacher):
        raise TandemError("--plan knows what self-play costs, not how long records or a teacher take; leave it out")
    if options.teacher is not None:
        _check_teacher(game, options.teacher, budget, config)
    elif budget.games == 0 and not options.records and not (options.run and options.run.exists()):
        raise TandemError(
            "--games 0 plays none, and there are no records to learn from; add --from FILE or --teacher SPEC"
        )
    for path in options.records:
        check_file(game, path)
    if options.plan:
        if config.learner != "search":
            raise TandemError(f"--plan knows what search costs, not {config.learner}; leave one of the two out")
        from selfplay.plan import plan

        print(plan(game, config, budget))
        return 0
    return train(game, config, budget, options, given)


def train(game: Game, config: TrainConfig, budget: Budget, options: Namespace, given: dict[str, Any]) -> int:
    """Run the loop with a progress bar, and end with the command that plays the result."""
    from selfplay.executors import compile_kernels
    from selfplay.loop import Loop
    from selfplay.rundir import RunDir

    logging.basicConfig(format="%(message)s")
    path = options.run or _new_run(game)
    if not path.exists():
        _check_executor(config, options.address)
    identity = {"game": game.spec, "rules_id": game.rules_id, "settings": asdict(config)}
    with RunDir.create_or_resume(path, identity) as run:
        if run.resumed:
            config = _agreed(run.config, game, given, options.preset, config, path)
            _check_executor(config, options.address)
        sources = _sources(run, options.records)
        if config.learner == "ppo":
            from selfplay.ppo import PpoLoop

            loop: Loop = PpoLoop(game, config, budget, run, sources)
        else:
            loop = Loop(game, config, budget, run, sources, options.teacher, options.address)
        before = loop.progress.share(budget)
        if before >= 1:
            raise TandemError(f"{path} has spent its {budget}; ask for more, such as {budget.doubled().flag()}")
        if run.config["settings"] != asdict(config):
            run.save_config({**run.config, "settings": asdict(config)})
        if config.learner == "search" and budget.games != 0:
            compile_kernels(game, config, loop.trainer.average)
        began = "resuming" if run.resumed else "training"
        print(f"{began} {config.net} on {game.spec} for {budget} in {path}", flush=True)
        interrupted = _run_with_bar(loop, budget)
        p, words = loop.progress, shlex.join([game.spec, "--run", str(path)])
        records = f"{p.records:,} records, " if p.records else ""
        records += f"{p.taught:,} games of the teacher ({p.taught_positions:,} positions), " if p.taught else ""
        print(
            f"{records}{p.games:,} games, {p.positions:,} positions, {p.evaluations:,} evaluations, {p.steps:,} steps "
            f"in {p.seconds / 60:.1f} minutes" + (f"; {loop.strength}" if loop.strength else "")
        )
        if interrupted:
            taught = f" --teacher {shlex.quote(options.teacher)}" if loop.being_taught() else ""
            print(f"stopped and saved; go on with: python train.py {words} {budget.flag()}{taught}")
        print(f"python play.py {words}")
    return 0


def _check_executor(config: TrainConfig, address: str | None) -> None:
    """Raise TandemError for a cluster that cannot be joined, or that nobody would use."""
    if config.executor != "ray":
        if address is not None:
            raise TandemError(f"--address is that of a Ray cluster: add --executor ray to --address {address}")
        return
    if config.learner == "ppo":
        raise TandemError("--learner ppo plays in this process alone; leave --executor ray out")
    from selfplay.joining import check_cluster

    check_cluster(address)


def _check_teacher(game: Game, text: str, budget: Budget, config: TrainConfig) -> None:
    """Raise TandemError for a teacher that cannot play, or that nothing tells when to stop."""
    from players.ready import check_player, compile_player
    from players.spec import parse_spec

    if config.learner != "search":
        raise TandemError(f"--learner {config.learner} learns from its own games alone; leave --teacher out")
    if budget.games is not None and not config.teacher_games:
        raise TandemError("--games counts self-play; say how many games the teacher plays with --teacher-games N")
    if budget.steps is not None and not config.from_epochs and not config.teacher_games:
        raise TandemError("with --from-epochs 0 no step is ever taken: give --minutes, or --teacher-games N")
    spec = parse_spec(text)
    check_player(game, spec, REPLY_SECONDS)
    compile_player(game, spec)


def _run_with_bar(loop: Any, budget: Budget) -> bool:
    """Run the loop under a progress bar; True when Ctrl-C stopped it."""
    interrupts, reported = 0, loop.reader.exhausted

    def on_interrupt(*_: object) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            _leave()
        print("\nstopping after this round, saving (Ctrl-C again to leave at once)", file=sys.stderr, flush=True)
        loop.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    words, done = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}", round(1000 * loop.progress.share(budget))
    try:
        with tqdm(total=1000, initial=done, bar_format=words, mininterval=1) as bar:

            def watch(report: "RoundReport") -> None:
                nonlocal reported
                p = report.progress
                if loop.teacher and loop.being_taught():
                    shown = [f"{p.taught:,} games taught, {report.positions_per_second:,.0f} positions/s"]
                elif report.evaluations_per_second:
                    shown = [f"{p.games:,} games", f"{report.evaluations_per_second:,.0f} evaluations/s"]
                else:
                    taught = [f"{p.taught:,} games taught"] if p.taught else []
                    records = [f"{p.records:,} records", loop.reader.progress] if p.records or not taught else []
                    shown = [*records, *taught, f"{p.learnt:.0%} learnt"]
                if report.losses:
                    shown.append(f"loss {report.losses.policy:.3f}+{report.losses.value:.3f}")
                if loop.strength:
                    shown.append(loop.strength.brief())
                bar.set_postfix_str(", ".join(shown), refresh=False)
                bar.update(min(1000, round(1000 * report.share)) - bar.n)
                if not reported and (loop.reader.exhausted or report.evaluations_per_second):
                    reported = True
                    bar.write(loop.reader.report())
                if report.strength:
                    bar.write(f"{report.progress.seconds / 60:5.1f} min  {report.strength}")

            loop.run(watch)
    finally:
        signal.signal(signal.SIGINT, before)
    return interrupts > 0


def _leave() -> NoReturn:
    """End this process and its actors whatever they wait for, as a kill would; files are whole at every moment."""
    for child in multiprocessing.active_children():
        child.kill()  # the one that hangs, too
    os.write(2, b"\ninterrupted\n")  # print may be what was interrupted
    atexit._run_exitfuncs()  # a cluster of its own and semaphores would outlive it
    os._exit(INTERRUPTED)


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


def _sources(run: "RunDir", given: list[Path]) -> list[Source]:
    """The files of all records that the run was ever given, oldest first; a new one is noted in its config."""
    noted_before = run.config.get("records", [])
    try:
        sources = {entry["hash"]: Source(Path(entry["path"]), entry["hash"]) for entry in noted_before}
    except (KeyError, TypeError):
        raise TandemError(f"{run.path}/config.json is damaged: its records are no files; give another --run") from None
    for source in map(Source.of, given):
        sources[source.hash] = source
    noted = [{"path": str(source.path), "hash": source.hash} for source in sources.values()]
    if noted != noted_before:
        run.save_config({**run.config, "records": noted})
    return list(sources.values())


def _new_run(game: Game) -> Path:
    """The first unused folder runs/GAME-1, runs/GAME-2, ..."""
    number = 1
    while (path := Path("runs") / f"{game.name}-{number}").exists():
        number += 1
    return path
