"""The analysis engine in this process."""

import io
import json
from typing import Any

import pytest

from interfaces.analyse.protocol import Analyst, run_analyse
from interfaces.session import Session


def asked(session: Session, *queries: Any) -> list[dict]:
    """Every answer to these lines (bytes), or objects, in the order in which they come."""
    lines = [query if isinstance(query, bytes) else json.dumps(query).encode() for query in queries]
    out = io.StringIO()
    assert run_analyse(session, io.BytesIO(b"\n".join(lines)), out) == 0
    return objects(out.getvalue())


def heard(session: Session, line: bytes) -> list[dict]:
    """What is said of a line at once, while nobody searches."""
    out = io.StringIO()
    Analyst(session, out, 1).hear(line)
    return objects(out.getvalue())


def objects(text: str) -> list[dict]:
    """The objects that lines hold, all of which must be JSON without NaN."""
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
