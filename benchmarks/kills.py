"""Training killed again and again: python benchmarks/kills.py --kills 50.

Each life of a run is train.py in a process of its own, ended at a random moment: while it starts, while it plays, or
in the middle of a save, mostly by SIGKILL. After each, what lies in the folder is held against what lay there before;
the first difference that must not be ends the program with its words. `check` says what must hold.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from games.contract import Game  # noqa: E402
from games.errors import TandemError  # noqa: E402
from games.files import content_hash  # noqa: E402
from games.loader import load  # noqa: E402
from games.processes import processor  # noqa: E402
from selfplay.budget import Budget, Progress  # noqa: E402
from selfplay.config import TrainConfig, from_table  # noqa: E402
from selfplay.holdings import STATE_FILE, TRAINER_FILE, Holdings  # noqa: E402
from selfplay.runcheck import survey  # noqa: E402
from selfplay.rundir import RunDir  # noqa: E402
from selfplay.shards import from_bytes  # noqa: E402
from selfplay.trainer import Trainer  # noqa: E402

GAMES = ("tictactoe", "connect4")
CHECKPOINT_SECONDS = 1.0
MOST_LOST = 60.0  # seconds by the clock between a checkpoint, or the start, and a kill, whatever was logged
TINY = [
    *("--net", "mlp:16", "--games-per-actor", "16", "--plies-per-round", "200", "--batch", "32", "--late-effort", "1"),
    *("--simulations", "8", "--fast-simulations", "4", "--proof-nodes", "0", "--strength-seconds", "1000000"),
    *("--checkpoint-seconds", str(CHECKPOINT_SECONDS)),
]
MOST_START = 300.0  # seconds a start may take, kernels compiled included
MOST_END = 120.0  # and an end after Ctrl-C
# When a life ends, and how often: while it starts, between saves at random, as a file of a save is being written.
MOMENTS = {"start": 0.2, "playing": 0.3, "saving": 0.5}
SIGNALS = {signal.SIGKILL: 0.7, signal.SIGTERM: 0.15, signal.SIGINT: 0.15}


class Failure(Exception):
    """Something is lost, torn or stepped back."""


@dataclass
class Found:
    """What a run's folder holds."""

    shards: dict[str, str] = field(default_factory=dict)  # name to hash of the bytes
    games: set[int] = field(default_factory=set)  # numbers of the games in these
    progress: Progress = field(default_factory=Progress)  # of the newest checkpoint
    saved_at: float = 0.0  # when that was written (time.time)
    rounds: list[Progress] = field(default_factory=list)  # as logged, by all lives


def train(path: Path, game: str, budget: list[str], extra: list[str]) -> subprocess.Popen[str]:
    """A life of the run, in a session of its own."""
    command = [sys.executable, "train.py", game, "--run", str(path), *TINY, *budget, *extra]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell runs in the background ignores it, and so would all that this starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def being_written(path: Path) -> bool:
    """Whether a save is under way: there are files with their temporary names."""
    return any(any(folder.glob(".*.tmp")) for folder in (path, path / "games", path / "checkpoints", path / "ladder"))


def wait_for(moment: str, life: subprocess.Popen[str], path: Path, chance: random.Random) -> float:
    """Return when it is time to end a life, or when it has ended: since when it may have trained (time.time)."""
    began = time.time()
    if moment == "start":
        time.sleep(chance.uniform(0.0, 6.0))
        return began
    assert life.stdout is not None
    if not life.stdout.readline():  # "training .." or "resuming .."
        return began
    began = time.time()
    if moment == "playing":
        time.sleep(chance.uniform(0.0, 5.0))
        return began
    saves, seen = chance.randint(1, 2), False
    while life.poll() is None and time.time() < began + MOST_START:
        now = being_written(path)
        saves -= now and not seen
        seen = now
        if not saves:
            time.sleep(chance.choice([0.0, 0.0, chance.uniform(0.0, 0.03)]))
            break
        time.sleep(0.0005)
    return began


def rounds_in(run: RunDir) -> list[Progress]:
    """The rounds of a run's log."""
    names = asdict(Progress()).keys()
    return [
        Progress(**{name: event[name] for name in names}) for event in run.events() if event.get("event") == "round"
    ]


def look(path: Path, game: Game) -> Found:
    """Read everything. Raises Failure for a game that is there twice, and for what --verify calls bad."""
    try:
        run = RunDir.read(path)
    except TandemError as error:
        if (path / "config.json").exists() or any(path.glob("games/*.safetensors")):
            raise Failure(str(error)) from None
        return Found()  # killed before there was a run
    if bad := survey(run, verify=True).bad:
        raise Failure(f"--verify: {bad[0]}")
    RunDir.create_or_resume(path, {}).close()  # brings back what was being replaced
    found, numbers = Found(rounds=rounds_in(run)), Counter[int]()
    for file in sorted(run.games.glob("*.safetensors")):
        data = file.read_bytes()
        found.shards[file.name] = content_hash(data)
        numbers.update(from_bytes(data, file.name, game.rules_id).number.tolist())
    if twice := [number for number, times in numbers.items() if times > 1]:
        raise Failure(f"game {twice[0]} is stored {numbers[twice[0]]} times")
    found.games = set(numbers)
    if checkpoints := run.checkpoints():
        found.progress = Progress.read(checkpoints[-1] / STATE_FILE)
        found.saved_at = (checkpoints[-1] / STATE_FILE).stat().st_mtime
    return found


def check(
    path: Path, game: Game, before: Found, *, graceful: bool, lived: tuple[float, float] = (0.0, 0.0)
) -> tuple[Found, float]:
    """What must hold after a life, begun and ended when `lived` says: (what is there now, seconds of training lost).

    Every shard that was published is there with the same bytes, and every game in them once; the newest checkpoint is
    no older; the life's rounds went on from the checkpoint that it found, with the games found; what the newest
    checkpoint lacks is at most CHECKPOINT_SECONDS and a round, nothing after Ctrl-C, and with the round under way, of
    which no log tells, MOST_LOST; and loading that checkpoint gives back the bytes of its weights, optimiser and
    generators, with all games that are stored.
    """
    now = look(path, game)
    for name, value in before.shards.items():
        if now.shards.get(name) != value:
            raise Failure(f"shard {name} is {'altered' if name in now.shards else 'gone'}")
    counted = ("steps", "rounds", "seconds", "games", "positions", "evaluations")
    for name in counted:
        if getattr(now.progress, name) < getattr(before.progress, name):
            raise Failure(f"the newest checkpoint's {name} fell: {before.progress} to {now.progress}")
    if now.rounds[: len(before.rounds)] != before.rounds:
        raise Failure("rounds that were logged before are gone")
    life = now.rounds[len(before.rounds) :]
    for earlier, later in zip([before.progress, *life], life, strict=False):
        if later.rounds != earlier.rounds + 1 or any(getattr(later, n) < getattr(earlier, n) for n in counted):
            raise Failure(f"a round does not go on from the one before: {earlier} to {later}")
    if life and life[0].games < len(before.games):
        raise Failure(f"{len(before.games)} games were stored, and the next round knows of {life[0].games}")
    newest = max([before.progress.seconds, *(one.seconds for one in life)])
    lost = max(newest - now.progress.seconds, 0.0)  # a checkpoint comes before its round's line in the log
    gaps = [b.seconds - a.seconds for a, b in zip([before.progress, *life], life, strict=False)]
    if lost > CHECKPOINT_SECONDS + max(gaps, default=0.0) + 1.0 or (graceful and life and lost > 0):
        raise Failure(f"{lost:.1f} seconds of training are lost, of rounds that take {max(gaps, default=0.0):.1f}")
    began, killed = lived
    if not graceful and killed - max(began, now.saved_at) > MOST_LOST:
        raise Failure(f"killed {killed - max(began, now.saved_at):.0f} seconds after the last checkpoint")
    if now.progress.rounds:
        compare_resumed(path, game, now)
    return now, lost


def compare_resumed(path: Path, game: Game, found: Found) -> None:
    """Resume a copy in this process. Raises Failure where it is not what the newest checkpoint and the games say."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(path, Path(scratch, "run")))
        with RunDir.create_or_resume(copy, {}) as run:
            config = from_table(run.config["settings"], TrainConfig(), "config.json")
            trainer = Trainer(game, config)
            held = Holdings(game, config, Budget(steps=1), run, trainer, [], None)
            saved = run.checkpoints()[-1] / TRAINER_FILE
            trainer.save(again := Path(scratch, "again.safetensors"))
            if again.read_bytes() != saved.read_bytes():
                raise Failure(f"weights, optimiser or generators are not those of {saved} after loading them")
            if held.progress.steps != found.progress.steps or held.progress.games != len(found.games):
                raise Failure(f"{held.progress} is not {found.progress} with {len(found.games)} games")


def ended(life: subprocess.Popen[str], how: signal.Signals) -> bool:
    """End a life by a signal and wait; whether it saved itself. Raises Failure for a traceback or another code."""
    with suppress(ProcessLookupError):
        life.send_signal(how)
    try:
        _, errors = life.communicate(timeout=MOST_END)
    except subprocess.TimeoutExpired:
        raise Failure(f"{how.name} did not end training within {MOST_END:.0f} seconds") from None
    if life.returncode == -how:
        return False
    if how != signal.SIGINT or life.returncode not in (0, 130) or "Traceback" in errors:
        raise Failure(f"training ended with code {life.returncode} on {how.name}: {errors[-1000:]}")
    return life.returncode == 0


def kill_again_and_again(path: Path, name: str, kills: int, chance: random.Random) -> Iterator[str]:
    """Kill a run so many times, then let it end by itself; a line for each life. Raises Failure."""
    game, found, worst = load(name), Found(), 0.0
    for number in range(1, kills + 1):
        moment = chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
        how = chance.choices(list(SIGNALS), list(SIGNALS.values()))[0]
        where = chance.choice([["--executor", "threads"], ["--executor", "processes"]])
        life = train(path, name, ["--minutes", "100000"], [*where, "--actors", str(chance.randint(1, 2))])
        try:
            lived = wait_for(moment, life, path, chance), time.time()
            mid_save = being_written(path)
            graceful = ended(life, how)
        finally:
            life.kill()
        rounds = len(found.rounds)
        found, lost = check(path, game, found, graceful=graceful, lived=lived)
        worst = max(worst, lost)
        yield (
            f"{name} {number:3d}  {moment:<8} {how.name:<8}{'mid-save ' if mid_save else '         '}"
            f"{len(found.rounds) - rounds:4d} rounds, {len(found.games):6,} games, step {found.progress.steps:,}, "
            f"{lost:.2f} s lost"
        )
    steps = found.progress.steps + 20
    life = train(path, name, ["--steps", str(steps)], ["--executor", "threads", "--actors", "1"])
    _, errors = life.communicate(timeout=MOST_START + MOST_END)
    found, _ = check(path, game, found, graceful=True)
    if life.returncode or found.progress.steps != steps:
        raise Failure(f"after the kills it ended with {life.returncode} at {found.progress.steps}: {errors[-1000:]}")
    yield f"{name}: {kills} kills, at most {worst:.2f} s of training lost; it went on to its end at step {steps:,}"


def main() -> None:
    """Kill runs of both games in turn; exit code 1 at the first failure, whose folder is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="in all, over both games")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(processor(), flush=True)
    for index, name in enumerate(GAMES):
        folder = Path(tempfile.mkdtemp())
        kills = options.kills // len(GAMES) + (index < options.kills % len(GAMES))
        try:
            for line in kill_again_and_again(folder / "run", name, kills, random.Random(options.seed + index)):
                print(line, flush=True)
        except (Failure, TandemError) as error:
            raise SystemExit(f"FAILED, {folder}: {error}") from None
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
