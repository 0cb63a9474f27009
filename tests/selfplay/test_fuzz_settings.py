"""Whatever the bytes of a config, preset, state, log, label or trainer: a TandemError in one line, or sound values.

Sizes are hostile, too: little memory is taken by what is refused.
"""

import json
import math
import tracemalloc
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from games.errors import TandemError
from games.loader import load
from nets.checkpoint import load_tensors, save_tensors
from selfplay.budget import Progress
from selfplay.config import TrainConfig, from_table, read_preset
from selfplay.labels import read_labels
from selfplay.rundir import FORMAT, RunDir
from selfplay.sealed import seal
from selfplay.trainer import Trainer
from tests.selfplay.helpers import tiny

GAME = load("tictactoe")
QUICK = settings(max_examples=150, deadline=20_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOST_MEMORY = 32 << 20
NUMBERS = st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -0.0]) | st.floats() | st.integers()
VALUES = st.none() | st.booleans() | NUMBERS | st.text(max_size=8)
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
DEEP = st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000])
BYTES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | DEEP


def refused(read: Any, *arguments: Any) -> Any:
    """What a reader gives; None when it refused in one line. Anything else raised is a failure, as is much memory."""
    tracemalloc.start()
    try:
        try:
            value = read(*arguments)
        except TandemError as error:
            assert "\n" not in str(error)
            value = None
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    return value


def run_with(path: Path, name: str, data: bytes) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_bytes(json.dumps(seal({"format": FORMAT, "config": {"game": "tictactoe"}})).encode())
    (path / name).write_bytes(data)
    return path


@QUICK
@given(data=BYTES | JSON.map(lambda config: json.dumps({"format": FORMAT, "config": config}).encode()))
def test_any_config(tmp_path: Path, data: bytes) -> None:
    run = refused(RunDir.read, run_with(tmp_path / "r", "config.json", data))
    assert run is None or isinstance(run.config, dict)


@QUICK
@given(data=st.lists(BYTES, max_size=4).map(b"\n".join))
def test_any_log(tmp_path: Path, data: bytes) -> None:
    run = RunDir.read(run_with(tmp_path / "r", "log.jsonl", data))
    assert all(isinstance(event, dict) for event in refused(lambda: list(run.events())))


NAMES = st.sampled_from([item.name for item in fields(TrainConfig)])


@QUICK
@given(table=st.dictionaries(NAMES | st.text(max_size=8), JSON, max_size=4))
def test_any_settings(table: dict[str, Any]) -> None:
    config = refused(from_table, table, TrainConfig(), "here")
    if config is not None:
        assert all(getattr(config, name) == value for name, value in table.items())
        TrainConfig(**asdict(config))


WRITTEN = JSON.map(json.dumps) | st.sampled_from(["nan", "inf", "1_0", "[[", "'", "0x"])
TOML = st.lists(st.tuples(NAMES | st.text(max_size=6), WRITTEN).map(" = ".join), max_size=4).map("\n".join)


@QUICK
@given(
    text=TOML
    | st.text(max_size=60)
    | st.sampled_from(["a = " + "[" * 100_000, "a." * 50_000 + "b = 1", "a = " + "[\n" * 30_000])
)
def test_any_preset(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(read_preset, path)


COUNTS = st.sampled_from([item.name for item in fields(Progress)])


@QUICK
@given(
    data=BYTES
    | st.dictionaries(COUNTS, VALUES).map(lambda counts: json.dumps({**asdict(Progress()), **counts}).encode())
)
def test_any_state(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    state = refused(Progress.read, path)
    if state is not None:
        assert all(0 <= value < math.inf for value in asdict(state).values())


def test_a_state_beyond_all_counting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text(json.dumps(seal({**asdict(Progress()), "seconds": 10**400})))
    with pytest.raises(TandemError, match="seconds is 1000"):
        Progress.read(path)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = Progress(seconds=0.1 + 0.2, games=2**40, bucket=1e-9, steps=7)
    state.write(tmp_path / "s")
    assert Progress.read(tmp_path / "s") == state


LABEL = st.fixed_dictionaries({"moves": JSON | st.just("") | st.just(["b2"]), "scores": JSON | st.just({"a1": 1})})


@QUICK
@given(data=st.lists(BYTES | LABEL.map(lambda label: json.dumps(label).encode()), max_size=3).map(b"\n".join))
def test_any_labels(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(data)
    for label in refused(read_labels, GAME, path) or []:
        assert set(label.values.values()) <= {-1, 0, 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trainer") / "t.safetensors"
    Trainer(GAME, tiny(GAME)).save(path)
    return path


@QUICK
@given(name=st.sampled_from(["step", "rng", "kernel_rng", "rate_scale"]), value=JSON)
def test_a_trainer_whose_header_holds_anything(trained: Path, tmp_path: Path, name: str, value: object) -> None:
    """Under a true hash, as a stranger may write one."""
    tensors, header = load_tensors(trained)
    try:
        save_tensors(tmp_path / "t", tensors, {**header, name: value})
    except TandemError:  # NaN
        return
    trainer = Trainer(GAME, tiny(GAME))
    refused(trainer.load, tmp_path / "t")


@pytest.mark.parametrize(
    "name", ["optimiser.0.exp_avg", "optimiser.x.step", "optimiser.99.step", "optimiser", "other.a"]
)
def test_a_trainer_with_other_tensors_is_refused(name: str, trained: Path, tmp_path: Path) -> None:
    tensors, header = load_tensors(trained)
    save_tensors(tmp_path / "t", {**tensors, name: next(iter(tensors.values())).new_zeros(3)}, header)
    with pytest.raises(TandemError):
        Trainer(GAME, tiny(GAME)).load(tmp_path / "t")


def test_a_trainer_is_loaded_whole_or_not_at_all(trained: Path, tmp_path: Path) -> None:
    tensors, header = load_tensors(trained)
    save_tensors(tmp_path / "t", {name: tensor + 1 for name, tensor in tensors.items()}, {**header, "step": "many"})
    trainer = Trainer(GAME, tiny(GAME))
    before = {name: tensor.numpy().copy() for name, tensor in trainer.model.state_dict().items()}
    with pytest.raises(TandemError):
        trainer.load(tmp_path / "t")
    for name, tensor in trainer.model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])
