"""A cluster that cannot be joined is one clear line within seconds, before a run's folder is made."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest

from games.errors import TandemError
from selfplay import joining
from selfplay.joining import ALIVE, HEALTH, check_cluster

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "t" * 64


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "find_spec", lambda name: name)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that what is set meanwhile is undone
        monkeypatch.delenv(name)


class Head(grpc.GenericRpcHandler):
    """The two answers of a Ray head that asks for TOKEN."""

    def service(self, details: Any) -> Any:
        known = ("authorization", f"Bearer {TOKEN}") in details.invocation_metadata

        def answer(request: bytes, context: Any) -> bytes:
            if details.method != HEALTH and not known:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "Authentication token is missing or incorrect")
            return b"\x08\x01"

        return grpc.unary_unary_rpc_method_handler(answer) if details.method in (HEALTH, ALIVE) else None


@pytest.fixture
def head() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Head()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_head_that_asks_for_a_token(head: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(TandemError, match=rf"at {head} asks for a token: export RAY_AUTH_MODE=token"):
        check_cluster(head)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(TandemError, match=r"token holds none: ray get-auth-token --generate"):
        check_cluster(head)
    (tmp_path / "token").write_text("another\n")
    with pytest.raises(TandemError, match=r"refuses this token"):
        check_cluster(head)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    check_cluster(head)
    monkeypatch.setenv("RAY_ADDRESS", head)
    check_cluster("auto")
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_a_head_without_authentication_is_warned_of(
    head: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(joining, "ALIVE", HEALTH)
    check_cluster(head)
    assert "lets anybody run code there" in caplog.text


def test_nobody_or_somebody_else_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    monkeypatch.setattr(BaseHTTPRequestHandler, "log_message", lambda *words: None)
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(TandemError, match=r"no Ray cluster answers at 127\.0\.0\.1"):
        check_cluster(f"127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    with pytest.raises(TandemError, match=r"no Ray cluster answers at 127\.0\.0\.1"):
        check_cluster(f"127.0.0.1:{server.server_port}")
    monkeypatch.setattr(joining, "CURRENT", tmp_path / "none")
    with pytest.raises(TandemError, match="no Ray runs on this machine: ray start --head"):
        check_cluster("auto")


def test_encryption_needs_its_files(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")
    monkeypatch.setenv("RAY_TLS_CA_CERT", "/no/such.crt")
    with pytest.raises(TandemError, match=r"RAY_TLS_CA_CERT names no file that can be read: '/no/such\.crt'"):
        check_cluster(head)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ray://127.0.0.1:10001", "train on a node of the cluster"),
        ("somewhere", "must be HOST:PORT or auto"),
        (":6379", "must be HOST:PORT or auto"),
        ("host:0", "must be HOST:PORT or auto"),
        ("host:port", "must be HOST:PORT or auto"),
        ("", "must be HOST:PORT or auto"),
    ],
)
def test_what_is_no_address(address: str, words: str) -> None:
    with pytest.raises(TandemError, match=words):
        check_cluster(address)


def test_a_cluster_of_ones_own_has_a_token_that_nobody_knows() -> None:
    check_cluster(None)
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address", "auto"], "--address is that of a Ray cluster: add --executor ray to --address auto"),
        (["--executor", "ray", "--learner", "ppo"], "ppo plays in this process alone"),
        (["--executor", "ray", "--actors", "-1"], "actors must lie between 0 and 4096, not -1"),
        (["--executor", "rey"], "executor must be processes, threads, inline or ray, not rey"),
        (["--executor", "ray", "--address", "127.0.0.1:1"], "no Ray cluster answers at 127.0.0.1:1; start one with"),
    ],
)
def test_the_command_says_so_before_it_makes_a_folder(arguments: list[str], words: str, tmp_path: Path) -> None:
    found, seconds = train(tmp_path / "run", *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("error: ")
    assert words in found.stderr or "needs Ray" in found.stderr
    assert found.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert seconds < 60, "Ray's own wait is two minutes"


def test_without_ray_the_command_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'ray' else find(name, *more)\n"
        "import train\n"
        "from games.cli import run_main\n"
        "run_main(train.main)\n"
    )
    words = [sys.executable, "-c", code, "tictactoe", "--executor", "ray", "--run", str(tmp_path / "run")]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2
    assert found.stderr == "error: --executor ray needs Ray: pip install -c constraints.txt -e '.[ray]'\n"


def train(run: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
    words, began = [sys.executable, "train.py", "tictactoe", *arguments, "--run", str(run)], time.monotonic()
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return found, time.monotonic() - began
