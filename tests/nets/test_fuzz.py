"""Whatever the bytes of a model or checkpoint: a TandemError or what was written, at little cost of memory."""

import json
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from games.errors import TandemError
from nets.checkpoint import load_model, load_tensors, save_model
from nets.config import NetConfig
from nets.kernelnet import load_kernel_net
from nets.modelfile import net_id_of, read_header
from nets.tensorfile import write_tensor_file
from tests.nets.helpers import CONNECT4, lived_in

QUICK = settings(max_examples=150, deadline=20_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOST_MEMORY = 20 << 20
READERS = (
    read_header,
    load_tensors,
    lambda path: load_model(path, CONNECT4),
    lambda path: load_kernel_net(path, CONNECT4),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(path, lived_in("mlp:4", CONNECT4), NetConfig.parse("mlp:4"), CONNECT4, {"steps": 1})
    return path.read_bytes()


def read(path: Path, data: bytes) -> list[bool]:
    """Which of READERS refused the bytes; all else but to return is a failure, as is to take much memory."""
    path.write_bytes(data)
    tracemalloc.start()
    refused = []
    try:
        for reader in READERS:
            try:
                reader(path)
            except TandemError as error:
                assert str(path) in str(error)
                refused.append(True)
            else:
                refused.append(False)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY + 10 * len(data)
    finally:
        tracemalloc.stop()
    return refused


def safetensors_bytes(header: object, tail: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tail


@QUICK
@given(data=st.data())
def test_altered_bytes_are_refused(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    altered = bytearray(whole)
    for at, mask in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), max_size=8)):
        altered[at] ^= mask
    altered = altered[: data.draw(st.just(len(whole)) | st.integers(0, len(whole)))]
    if data.draw(st.booleans()):
        altered += data.draw(st.binary(max_size=16))
    if bytes(altered) != whole:
        assert all(read(tmp_path / "m", bytes(altered))[1:])
    else:
        assert not any(read(tmp_path / "m", whole))


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    assert all(read(tmp_path / "m", data))


SIZES = st.sampled_from([0, 1, 4, 7, 2**31, 2**40, 2**63 - 1, 2**64 - 1, -1])
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "BF16", "F8_E4M3", "I64", "U64", "BOOL", "C64", "x"]),
        "shape": st.lists(SIZES, max_size=4),
        "data_offsets": st.lists(SIZES, min_size=2, max_size=2),
    }
)


@QUICK
@given(entry=ENTRY, length=st.none() | SIZES, tail=st.binary(max_size=64))
def test_hostile_sizes_cost_nothing(tmp_path: Path, entry: dict[str, object], length: int | None, tail: bytes) -> None:
    data = safetensors_bytes({"a": entry, "__metadata__": {"tandem": "{}"}}, tail)
    if length is not None:
        data = (length % 2**64).to_bytes(8, "little") + data[8:]
    assert all(read(tmp_path / "m", data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@QUICK
@given(outer=st.text(max_size=40) | JSON.map(json.dumps) | st.just('{"header":' + "[" * 100_000))
def test_any_metadata_are_refused(tmp_path: Path, outer: str) -> None:
    assert all(read(tmp_path / "m", safetensors.numpy.save({"a": np.zeros(2, np.float32)}, {"tandem": outer})))


@QUICK
@given(name=st.sampled_from(["format", "game", "rules_id", "net", "planes", "logits", "net_id", "card"]), value=JSON)
def test_a_header_of_other_types_is_refused(whole: bytes, tmp_path: Path, name: str, value: object) -> None:
    """Under a true hash, as a stranger may write one."""
    path = tmp_path / "m"
    path.write_bytes(whole)
    header, arrays = asdict(read_header(path)), {k: v.numpy() for k, v in load_tensors(path)[0].items()}
    try:
        write_tensor_file(path, arrays, {**header, name: value})
    except TandemError:  # NaN
        return
    read(path, path.read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"net": "mlp:99999-99999-99999-99999"},
        {"net": "resnet:99x9999"},
        {"net": "mlp:3"},
        {"net": "0"},
        {"arrays": {"heads.weight": np.zeros((10, 3), np.float32)}},
        {"arrays": {"hidden.0.weight": np.zeros((4, 200), np.float32)}},
        {"arrays": {"hidden.0.weight": np.zeros((4, 21), np.float32)}},
        {"arrays": {"hidden.0.weight": np.zeros((4, 84), np.float64)}},
        {"arrays": {"hidden.0.weight": np.zeros((4, 84), np.uint16)}},
        {"arrays": {"hidden.0.bias": np.zeros(5, np.float32)}},
        {"arrays": {"heads.bias": np.zeros((2, 5), np.float32)}},
    ],
    ids=str,
)
def test_weights_that_are_not_the_nets_are_refused(whole: bytes, tmp_path: Path, change: dict) -> None:
    path = tmp_path / "m"
    path.write_bytes(whole)
    header, arrays = asdict(read_header(path)), {k: v.numpy() for k, v in load_tensors(path)[0].items()}
    arrays |= change.pop("arrays", {})
    write_tensor_file(path, arrays, {**header, "net_id": net_id_of(arrays), **change})
    assert read(path, path.read_bytes())[2:] == [True, True]
