"""JSON objects that carry a hash of themselves, so that damage shows which leaves them readable, a flipped digit say.

The hash is the entry `hash`, over all others as JSON in the order of their names. Objects written before there were
hashes have none and pass; whatever is read from them is checked as data of a stranger.
"""

import json
from pathlib import Path
from typing import Any

from games.files import content_hash, read_ordinary

_HASH = "hash"
MOST_BYTES = 64 << 20


class Damaged(ValueError):
    """What is wrong with the text of a sealed object, in words that follow the name of its file."""


def seal(value: dict[str, Any]) -> dict[str, Any]:
    """`value`, JSON without NaN and infinities (ValueError), with its hash."""
    return {**value, _HASH: _hash_of(value)}


def unseal(text: bytes) -> tuple[dict[str, Any], bool]:
    """The object that was sealed, without its hash, and whether it had one. Raises Damaged."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"not JSON ({error})") from None
    if not isinstance(value, dict):
        raise Damaged("not a JSON object")
    if _HASH not in value:
        return value, False
    stored = value.pop(_HASH)
    try:
        sound = stored == _hash_of(value)
    except (ValueError, RecursionError):  # NaN, which `seal` does not write, and lone surrogates
        sound = False
    if not sound:
        raise Damaged("altered since it was written (its hash differs)")
    return value, True


def read_sealed(path: Path) -> dict[str, Any]:
    """The object that a file holds, without its hash. Raises Damaged, and OSError."""
    return unseal(read_ordinary(path, MOST_BYTES))[0]


def _hash_of(value: dict[str, Any]) -> str:
    return content_hash(json.dumps(value, sort_keys=True, allow_nan=False).encode())
