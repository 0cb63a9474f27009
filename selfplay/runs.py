"""What runs hold: progress, health and disk use; their files verified, or their games written as text.

python -m selfplay.runs runs                            a line for each run in it
python -m selfplay.runs runs/c4                         one run at length
python -m selfplay.runs runs/c4 --verify                exit code 2 when a file is bad
python -m selfplay.runs runs/c4 --export games.txt      one game a line: moves and result
"""

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from games.cli import BAD_INPUT, Parser, run_main
from games.errors import TandemError, nearest_path
from games.files import reason
from nets.modelfile import read_header
from nets.models import RUN_MODEL, game_named
from selfplay.config import TrainConfig
from selfplay.export import export_games
from selfplay.runcheck import Survey, survey
from selfplay.rundir import CONFIG, PID, RunDir

SOUND = 0
# A run saves itself between two rounds; when it has not for so many times its interval, something hangs.
OVERDUE, LEAST_OVERDUE = 10, 600.0
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Run:
    """One run as it is now."""

    run: RunDir
    found: Survey
    holder: str | None  # as RunDir.in_use gives it
    unknown: str = ""  # why that cannot be told

    @classmethod
    def look(cls, path: Path, *, verify: bool = False) -> "Run":
        """Raises TandemError when there is no run at `path`."""
        run, holder, unknown = RunDir.read(path), None, ""
        try:
            holder = run.in_use()
        except TandemError as error:
            unknown = str(error)
        found = survey(run, verify=verify, training=holder is not None, show_progress=verify and sys.stderr.isatty())
        return cls(run, found, holder, unknown)

    @property
    def settings(self) -> dict[str, Any]:
        """The run's settings; empty when its config holds none."""
        settings = self.run.config.get("settings")
        return settings if isinstance(settings, dict) else {}

    def count(self, name: str) -> str:
        """A count of the newest checkpoint."""
        return f"{int(self.found.progress.get(name, 0)):,}"

    @property
    def minutes(self) -> float:
        """Of training."""
        return self.found.progress.get("seconds", 0) / 60

    def saved(self) -> float | None:
        """Seconds since the newest checkpoint; None without one."""
        checkpoints = self.run.checkpoints()
        return _age(checkpoints[-1] / "state.json") if checkpoints else None

    def state(self) -> str:
        """Its health in two or three words."""
        bad = len(self.found.bad)
        words = f"{bad} bad file{'s' * (bad != 1)}" if bad else "sound"
        return f"training, {words}" if self.holder is not None else words

    def strength(self) -> str:
        """What the newest model file says of the net."""
        path = self.run.path / RUN_MODEL
        try:
            return str(read_header(path).card.get("strength", "not measured yet"))
        except TandemError:
            return "no model that can be read"

    def lines(self) -> list[str]:
        """The run at length."""
        found, run, settings = self.found, self.run, self.settings
        known = {item.name: item.default for item in fields(TrainConfig)}
        changed = [f"{k}={v}" for k, v in settings.items() if known.get(k) != v and k not in ("net", "learner")]
        steps = [path.name.lstrip("0") or "0" for path in run.checkpoints()]
        ladder = run.ladder()
        rungs = f"; a ladder of {len(ladder)}, from step {int(ladder[0].stem):,}" if ladder else ""
        total, files = found.sizes.total(), found.files.total()
        kinds = ", ".join(f"{kind} {size(n)} ({found.files[kind]:,})" for kind, n in found.sizes.most_common())
        given = {"records": "records", "taught": "games of a teacher"}
        taught = "".join(f"{self.count(name)} {what}, " for name, what in given.items() if found.progress.get(name))
        rows = {
            "game": f"{run.config.get('game')}, {run.config.get('rules_id')}",
            "net": f"{settings.get('net')}, learner {settings.get('learner', 'search')}",
            "settings": " ".join(changed) or "the defaults",
            "trained": f"{self.minutes:.1f} minutes, {taught}{self.count('games')} games, "
            f"{self.count('positions')} positions, "
            f"{self.count('evaluations')} evaluations, {self.count('steps')} steps",
            "stored": f"{found.games:,} games, {found.positions:,} positions in {found.files['games']:,} shards",
            "checkpoints": f"{', '.join(steps) or 'none'}{rungs}",
            "strength": self.strength(),
            "now": self.now(),
            "disk": f"{size(total)} in {files:,} files: {kinds}",
            "health": "nothing bad, by names and headers; --verify reads every byte" if not found.bad else self.state(),
        }
        notes = [f"  {'bad' if finding.bad else 'note':<6}{finding}" for finding in found.findings]
        return [str(run.path), *(f"  {name:<12}{text}" for name, text in rows.items()), *notes]

    def now(self) -> str:
        """Whether it trains, and how long ago it last played a round and saved itself."""
        saved, heard = self.saved(), _age(self.run.path / "log.jsonl")
        training = f"training{self.holder}" if self.holder is not None else self.unknown or "not training"
        parts = [training, f"last round {ago(heard)}", f"last checkpoint {ago(saved)}"]
        every = self.settings.get("checkpoint_seconds")
        due = max(OVERDUE * every, LEAST_OVERDUE) if isinstance(every, int | float) else LEAST_OVERDUE
        started = _age(self.run.path / PID)  # which whoever trains writes first
        waited = min((age for age in (saved, started) if age is not None), default=0.0)
        if self.holder is not None and waited > due:
            parts.append("which is long overdue")
        return ", ".join(parts)


def _age(path: Path) -> float | None:
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return None


def ago(seconds: float | None) -> str:
    """How long ago, in the largest unit that fits: "3 min ago"; "never" for None."""
    if seconds is None:
        return "never"
    name, unit = next(((name, unit) for name, unit in UNITS if seconds >= unit), UNITS[-1])
    return f"{int(seconds // unit)} {name} ago"


def size(number: int) -> str:
    """Bytes in decimal units: "144.2 MB"."""
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


def table(paths: Sequence[Path]) -> list[str]:
    """A line for each run; one that cannot be opened says why."""
    head = ("run", "game", "net", "minutes", "games", "positions", "steps", "saved", "disk", "state")
    rows: list[tuple[str, ...]] = [head]
    errors: dict[int, str] = {}
    for path in paths:
        try:
            one = Run.look(path)
        except TandemError as error:
            errors[len(rows)] = str(error)
            rows.append((str(path),))
            continue
        counts = (f"{one.minutes:.1f}", *(one.count(name) for name in ("games", "positions", "steps")))
        what = (str(one.run.config.get("game")), str(one.settings.get("net")))
        rows.append((str(path), *what, *counts, ago(one.saved()), size(one.found.sizes.total()), one.state()))
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(head))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if 3 <= i <= 8 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join([*cells, errors.get(number, "")]).rstrip())
    return lines


def runs_in(path: Path) -> list[Path]:
    """`path` itself where it is a run, else the runs in that folder. Raises TandemError when there is none."""
    if not path.is_dir():
        raise TandemError(
            f"no folder at {path}; {nearest_path(path)}name the folder of a run"
            if not path.exists()
            else f"{path} is a file; name the folder of a run"
        )
    try:
        if (path / CONFIG).exists():
            return [path]
        found = sorted(entry for entry in path.iterdir() if (entry / CONFIG).is_file())
    except OSError as error:
        raise TandemError(f"cannot list {path}: {reason(error)}") from error
    if not found:
        raise TandemError(f"{path} is not the folder of a run, and no run lies in it: there is no {CONFIG}")
    return found


def verify(paths: Sequence[Path]) -> int:
    """Print a line for every bad file and one for each run; BAD_INPUT when there was any, else SOUND."""
    code = SOUND
    for path in paths:
        try:
            found = Run.look(path, verify=True).found
        except TandemError as error:
            show(f"bad  {error}")
            code = BAD_INPUT
            continue
        for finding in found.findings:
            show(f"{'bad' if finding.bad else 'note'}  {path}/{finding}")
        bad, files = len(found.bad), found.files.total()
        verdict = f"{bad} bad" if bad else "sound"
        show(f"{path}: {files:,} files, {size(found.sizes.total())}, {found.games:,} games: {verdict}")
        code = BAD_INPUT if bad else code
    return code


def export(paths: Sequence[Path], out: Path, game_file: str | None) -> int:
    """Write the games of one run; SOUND, or BAD_INPUT when some were damaged."""
    if len(paths) != 1:
        raise TandemError(f"--export writes the games of one run, not of {len(paths)}; name one of them")
    run = RunDir.read(paths[0])
    game = game_named(str(run.config.get("game")), game_file)
    done = export_games(run, game, out, show_progress=sys.stderr.isatty())
    left = [
        f"{count:,} {what}"
        for count, what in (
            (done.others, "that are positions or begin elsewhere left out"),
            (done.broken, "with illegal moves left out"),
            (done.skipped, "damaged, foreign or unreadable shards skipped"),
        )
        if count
    ]
    show(", ".join([f"{out}: {done.games:,} games", *left]))
    return BAD_INPUT if done.broken or done.skipped else SOUND


def show(line: str) -> None:
    """Print a line, whatever names and texts of others it holds: no control character reaches the terminal."""
    print("".join(sign if sign.isprintable() else "?" for sign in line))


def main(words: Sequence[str]) -> int:
    """The command line. Returns 0, or 2 when --verify or --export met damage; TandemError for bad input."""
    about, usage = (__doc__ or "").split("\n\n", 1)
    parser = Parser(prog="python -m selfplay.runs", description=about, epilog=f"examples:\n{usage}")
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="a run, or a folder of several")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--verify", action="store_true", help="check every file by its hash; reads all, writes nothing")
    act.add_argument("--export", type=Path, metavar="FILE", help="write the games of a run as text, one a line")
    parser.add_argument("--game", metavar="GAME", help="the file of a game of your own, for --export")
    flags = parser.parse_args(words)
    logging.basicConfig(format="%(message)s")
    paths = [run for folder in flags.folders for run in runs_in(folder)]
    if flags.export:
        return export(paths, flags.export, flags.game)
    if flags.verify:
        return verify(paths)
    single = len(flags.folders) == 1 and paths == flags.folders
    for line in Run.look(paths[0]).lines() if single else table(paths):
        show(line)
    return SOUND


if __name__ == "__main__":
    run_main(main)
