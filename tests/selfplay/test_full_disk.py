"""A disk that is full, a folder that may not be written: one line that names the file, nothing lost, and on with room.

The disk is a small tmpfs, which only root may mount; where that is not allowed, these tests are skipped.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from games.errors import TandemError
from selfplay.budget import Budget
from selfplay.runcheck import survey
from selfplay.rundir import RunDir
from tests.selfplay.test_loop import stored, train

SIZE = 2 << 20
ROOT = Path(__file__).resolve().parents[2]
torch.set_num_threads(1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no tmpfs: {error}")
    if done.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, left: int) -> Path:
    """Fill the disk with a file until so many pages of 4 KiB are free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            size = file.tell() // 4096 * 4096
        file.truncate(size - 4096 * left)
    return filler


def contents(run: Path) -> dict[str, bytes]:
    kinds = ("games/*", "checkpoints/*/*", "ladder/*", "model.safetensors", "config.json")
    return {str(p.relative_to(run)): p.read_bytes() for kind in kinds for p in run.glob(kind)}


@pytest.mark.parametrize("left", [0, 1, 2, 4, 8, 16, 32, 64])
def test_a_full_disk_ends_training_and_loses_nothing(left: int, disk: Path) -> None:
    path = disk / "r"
    train(path, Budget(steps=10))
    before, numbers = contents(path), stored(path)
    filler = fill(disk, left)
    with pytest.raises(TandemError, match=r"^cannot .*/r.*: No space left on device; make room there") as full:
        train(path, Budget(steps=100_000), checkpoint_seconds=1)
    assert str(path) in str(full.value)
    now = contents(path)
    assert survey(RunDir.read(path), verify=True).bad == []
    assert {name: now.get(name) for name in before if name.startswith("games/")} == {
        name: data for name, data in before.items() if name.startswith("games/")
    }
    assert RunDir.read(path).checkpoints()[-1].name >= "00000010"
    filler.unlink()
    step = int(RunDir.read(path).checkpoints()[-1].name)
    kept = stored(path)
    assert kept[: len(numbers)] == numbers
    assert train(path, Budget(steps=step + 10)).progress.steps == step + 10
    assert stored(path)[: len(kept)] == kept
    assert survey(RunDir.read(path), verify=True).bad == []


@pytest.mark.parametrize("full", [True, False])
def test_the_command_says_so_in_one_line_with_code_2(full: bool, disk: Path) -> None:
    """With a full disk, and with one that is mounted to be read only."""
    path = disk / "r"
    train(path, Budget(steps=10), strength_seconds=1e6)
    before = contents(path)
    if full:
        fill(disk, 8)
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    words = [sys.executable, "train.py", "tictactoe", "--run", str(path), "--steps", "100000"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert str(path) in errors[0]
    assert ("make room there" if full else "Read-only file system") in errors[0]
    assert before.items() <= contents(path).items() or full
    assert survey(RunDir.read(path), verify=True).bad == []
