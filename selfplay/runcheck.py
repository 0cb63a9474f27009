"""What lies in the folder of a run, kind by kind, and what is wrong with it. Reads only; needs no game and no torch.

Looking reads headers; verifying reads every byte and holds it against its hash: of a shard in its name, of tensors and
models in their headers, of TensorBoard's records beside them, of JSON in its entry `hash`.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from games.errors import TandemError
from games.files import content_hash, reason
from nets.modelfile import read_any_model, read_header
from nets.tensorfile import read_tensor_file, read_tensor_header
from selfplay.budget import Progress
from selfplay.rundir import RunDir, read_log
from selfplay.sealed import Damaged
from selfplay.shards import from_bytes, read_shard, read_summary, summarise
from selfplay.store import Shard

# Every file of a run by its path in it; the first that fits says its kind. What fits none is foreign.
KINDS = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "left over": r"(.*/)?\.[^/]*\.tmp(/.*)?",
        "set aside": r"(games|checkpoints)/bad/.*",
        "games": r"games/\d{8,}-[0-9a-f]{12}\.safetensors",
        "checkpoints": r"checkpoints/\d{8,}/(trainer\.safetensors|state\.json)",
        "ladder": r"ladder/\d{8,}\.safetensors",
        "model": r"model\.safetensors",
        "log": r"log\.jsonl",
        "report": r"report\.html|matches\.jsonl",
        "tensorboard": r"tensorboard/events\.out\.tfevents\.[^/]*",
        "config": r"config\.json|run\.lock|run\.pid",
    }.items()
}
FOREIGN = "foreign"


@dataclass(frozen=True)
class Finding:
    """One line about a file: `bad` when it cannot be read or is not what was written."""

    where: str
    why: str
    bad: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass
class Survey:
    """What was found in a run. Sizes are bytes and `files` numbers, by kind."""

    progress: dict[str, float]  # of the newest checkpoint; empty without any
    sizes: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    games: int = 0  # in sound shards, self-play or not
    positions: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def bad(self) -> list[Finding]:
        """What is damaged or missing."""
        return [finding for finding in self.findings if finding.bad]


def survey(run: RunDir, *, verify: bool = False, training: bool = False, show_progress: bool = False) -> Survey:
    """Walk through a run. `training`: files may come and go meanwhile, and half-written ones are no leftovers."""
    found = Survey(_newest_state(run))
    shards: list[Shard] = []
    aside: list[str] = []
    bar = tqdm(list(_walk(run.path)), unit="file", disable=not show_progress, leave=False)
    for relative in bar:
        path = run.path / relative
        try:
            status = path.stat()
        except OSError:
            continue  # pruned since
        kind = next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(relative)), FOREIGN)
        if not stat.S_ISREG(status.st_mode):
            kind = FOREIGN  # to read a pipe would take for ever
        found.sizes[kind] += status.st_size
        found.files[kind] += 1
        if kind == "games":
            shards.append(Shard(int(path.name.partition("-")[0]), path.name))
        elif kind == "set aside":
            aside.append(path.name)
        if kind in _NOTES:
            if not (training and kind == "left over"):
                found.findings.append(Finding(relative, _NOTES[kind], bad=False))
            continue
        try:
            games = _CHECKS[kind](run, path, verify)
        except TandemError as error:
            if path.exists():
                why = str(error).removeprefix(f"{path}: ").removeprefix(f"cannot read {path}: ")
                found.findings.append(Finding(relative, why))
        else:
            found.games, found.positions = found.games + games[0], found.positions + games[1]
    found.findings += _incomplete(run)
    found.findings += _gaps(sorted(shards), {int(m[0]) for name in aside if (m := re.match(r"\d+(?=-)", name))})
    found.findings += _lost(run, found)
    return found


def _walk(root: Path) -> Iterator[str]:
    """The paths of all files in `root`, relative and with forward slashes, in order."""
    for entry in sorted(root.iterdir()):
        if not entry.is_dir():
            yield entry.name
        # One of a run's own folders may be a link to another disk; further ones are not followed.
        for folder, inner, names in os.walk(entry):
            inner.sort()
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(root).as_posix()


def _newest_state(run: RunDir) -> dict[str, float]:
    for folder in reversed(run.checkpoints()):
        try:
            return asdict(Progress.read(folder / "state.json"))
        except TandemError:
            continue
    return {}


_NOTES = {
    "left over": "left by a killed writer; the next training removes it",
    "set aside": "damaged when it was last read; no longer used",
    FOREIGN: "no file of a run",
}
_NO_GAMES = (0, 0)


def _rules_id(run: RunDir) -> str:
    return str(run.config.get("rules_id"))


def _games(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    if not verify:
        summary = read_summary(path, _rules_id(run))
        return summary.games, summary.positions
    try:
        data, shard = read_shard(path), Shard.named(path.name)
    except FileNotFoundError as error:
        raise TandemError(f"cannot read {path}: {reason(error)}") from error
    if shard is None or content_hash(data) != shard.hash:
        raise TandemError(f"{path}: its content does not match the hash in its name")
    summary = summarise(from_bytes(data, str(path), _rules_id(run)))
    return summary.games, summary.positions


def _checkpoint(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    if path.suffix == ".json":
        steps = Progress.read(path).steps
        if steps != int(path.parent.name):
            raise TandemError(f"{path}: it counts {steps} steps, its folder {int(path.parent.name)}")
    elif verify:
        read_tensor_file(path)
    else:
        read_tensor_header(path)
    return _NO_GAMES


def _model(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    header = read_any_model(path)[0] if verify else read_header(path)
    if header.rules_id != _rules_id(run):
        raise TandemError(f"{path}: a net for {header.rules_id}, in a run of {_rules_id(run)}")
    return _NO_GAMES


def _log(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    if verify:
        try:
            for number, event in read_log(path):
                if isinstance(event, Damaged):
                    raise TandemError(f"{path}: line {number} is {event}")
        except OSError as error:
            raise TandemError(f"cannot read {path}: {reason(error)}") from error
    return _NO_GAMES


def _report(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    return _log(run, path, verify) if path.suffix == ".jsonl" else _NO_GAMES


def _tensorboard(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    if verify:
        # Its loaders take damage for the end of a file that is still being written.
        from tensorboard.compat.tensorflow_stub import errors
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

        reader = PyRecordReader_New(os.fsencode(path))
        try:
            while True:
                reader.GetNext()
        except errors.OutOfRangeError:
            pass
        except errors.DataLossError as error:
            if "truncated" not in str(error):
                raise TandemError(f"{path}: a record does not match its checksum") from None
        except OSError as error:
            raise TandemError(f"cannot read {path}: {reason(error)}") from error
        finally:
            reader.file_handle.close()
    return _NO_GAMES


def _config(run: RunDir, path: Path, verify: bool) -> tuple[int, int]:
    """RunDir.read has read what there is to read."""
    return _NO_GAMES


# Each takes (run, path, verify), gives games and positions, and raises TandemError for a bad file.
_CHECKS: dict[str, Callable[[RunDir, Path, bool], tuple[int, int]]] = {
    "games": _games,
    "checkpoints": _checkpoint,
    "ladder": _model,
    "model": _model,
    "log": _log,
    "report": _report,
    "tensorboard": _tensorboard,
    "config": _config,
}


def _incomplete(run: RunDir) -> Iterator[Finding]:
    """Checkpoints that lack a file."""
    for folder in run.checkpoints():
        missing = [name for name in ("state.json", "trainer.safetensors") if not (folder / name).is_file()]
        if missing and folder.is_dir():
            yield Finding(folder.relative_to(run.path).as_posix(), f"it has no {' and no '.join(missing)}")


def _gaps(shards: list[Shard], aside: set[int]) -> Iterator[Finding]:
    """Sequences that no shard has, though later ones are there. A write that failed leaves one too."""
    there = sorted({shard.sequence for shard in shards} | aside)
    for before, after in zip([0, *there], there, strict=False):
        if after > before + 1:
            which = f"{before + 1}" if after == before + 2 else f"{before + 1} to {after - 1}"
            yield Finding("games", f"no shard of sequence {which}: deleted, or never written", bad=False)


def _lost(run: RunDir, found: Survey) -> Iterator[Finding]:
    """Fewer games than the newest checkpoint counts. Only search keeps its games."""
    counted = found.progress.get("games", 0)
    settings: Any = run.config.get("settings")
    learner = settings.get("learner", "search") if isinstance(settings, dict) else None
    if learner == "search" and found.games < counted:
        # Damage that was found, now or earlier, explains it.
        known = found.files["set aside"] or any(finding.where.startswith("games/") for finding in found.bad)
        why = f"holds {found.games:,} of the {int(counted):,} games that the newest checkpoint counts"
        yield Finding("games", why, bad=not known)
