"""What TensorBoard shows of a run is what was added, and damage to it is seen by its own checksums."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from games.errors import TandemError
from selfplay.board import Board


def test_tensorboard_reads_what_was_added(tmp_path: Path) -> None:
    for steps in ((1, 2), (3, 40)):  # a run that was resumed has two files
        board = Board(tmp_path)
        for step in steps:
            board.add({"loss/policy": 1 / step, "games/total": 10.0 * step}, step)
        board.close()
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 2
    seen = EventAccumulator(str(tmp_path)).Reload()
    assert seen.Tags()["scalars"] == ["loss/policy", "games/total"]
    assert [(event.step, event.value) for event in seen.Scalars("games/total")] == [
        (1, 10),
        (2, 20),
        (3, 30),
        (40, 400),
    ]
    assert [event.value for event in seen.Scalars("loss/policy")] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 40])


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TandemError, match=r"cannot write .*none/events.*: No such file"):
        Board(tmp_path / "none")
