"""A run's figures for TensorBoard.

Written here and now: the usual writer's thread prints a traceback of its own when the disk is full.
"""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from games.errors import TandemError
from games.files import reason


class Board:
    """One file of events in a folder. Every refusal by the system is a TandemError with the path and the reason."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        try:
            self._records = RecordWriter(self.path.open("xb"))
        except OSError as error:
            raise self._refused(error) from error
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, scalars: Mapping[str, float], step: int) -> None:
        """Show these at a training step."""
        values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> None:
        """Close the file."""
        try:
            self._records.close()
        except OSError as error:
            raise self._refused(error) from error

    def _write(self, event: Event) -> None:
        try:
            self._records.write(event.SerializeToString())
            self._records.flush()
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> TandemError:
        return TandemError(f"cannot write {self.path}: {reason(error)}")
