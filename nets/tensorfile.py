"""Named arrays and a JSON header in one safetensors file: hashed, written atomically, read without torch.

The safetensors metadata holds one key, so that equal contents make equal files (several keys come in random order):
`{"tandem": {"header": ..., "sha256": ...}}`, as JSON text. The hash covers the header and every array.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from games.errors import TandemError, nearest_path
from games.files import write_atomic

Array = npt.NDArray[Any]
_KEY = "tandem"


class TensorFile(NamedTuple):
    """Arrays by name, and the JSON header that was stored with them."""

    arrays: dict[str, Array]
    header: dict[str, Any]


def arrays_hash(arrays: dict[str, Array]) -> str:
    """Return the SHA-256 (64 hex digits) of the names, dtypes, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _content_hash(arrays: dict[str, Array], header: dict[str, Any]) -> str:
    return hashlib.sha256((arrays_hash(arrays) + _json(header)).encode()).hexdigest()


def _json(header: dict[str, Any]) -> str:
    return json.dumps(header, sort_keys=True, allow_nan=False)


def write_tensor_file(path: Path, arrays: dict[str, Array], header: dict[str, Any]) -> None:
    """Write `arrays` and the JSON-able `header` to `path`, whole or not at all.

    Raises TandemError when the header is no JSON (NaN included) or the file cannot be written.
    """
    try:
        text = _json({"header": header, "sha256": _content_hash(arrays, header)})
    except (TypeError, ValueError) as error:
        raise TandemError(f"{path}: the header must be plain JSON: {error}") from error
    # An array's stored bytes follow its memory, not its shape: a transposed view would be read back scrambled.
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_atomic(path, save(ordered, {_KEY: text}))


def read_tensor_file(path: Path) -> TensorFile:
    """Read a file of `write_tensor_file`.

    Raises TandemError when it is missing, truncated, altered or of another kind.
    """
    header, stored_hash, arrays = _read(path, with_arrays=True)
    if _content_hash(arrays, header) != stored_hash:
        raise TandemError(f"{path}: altered since it was written (its hash differs); copy it again from its source")
    return TensorFile(arrays, header)


def read_tensor_header(path: Path) -> dict[str, Any]:
    """Return the header alone, without reading or verifying the arrays. Raises TandemError as `read_tensor_file`."""
    return _read(path, with_arrays=False)[0]


def _read(path: Path, *, with_arrays: bool) -> tuple[dict[str, Any], str, dict[str, Array]]:
    if not path.is_file():
        raise TandemError(f"{path}: no such file; {nearest_path(path)}name an existing .safetensors file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()} if with_arrays else {}  # noqa: SIM118
    # AttributeError: a dtype that NumPy does not have.
    except (SafetensorError, OSError, AttributeError, TypeError, ValueError) as error:
        raise TandemError(
            f"{path}: truncated, altered or not a safetensors file ({error}); copy it again or name another"
        ) from error
    try:
        outer = json.loads(metadata[_KEY])
        header, stored_hash = outer["header"], outer["sha256"]
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise TandemError(f"{path}: a safetensors file, but not one of Tandem's or its header is altered") from error
    if not isinstance(header, dict) or not isinstance(stored_hash, str):
        raise TandemError(f"{path}: a safetensors file, but its Tandem header is altered")
    return header, stored_hash, arrays
