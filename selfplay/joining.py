"""What can be said of a Ray cluster before Ray is imported: that it is installed, answers, and lets us in.

Ray itself waits for two minutes where nobody answers. Its head speaks gRPC, and can be asked directly.
"""

import logging
import os
import secrets
from importlib.util import find_spec
from pathlib import Path

from games.errors import TandemError

ANSWER_SECONDS = 5.0
HEALTH, ALIVE = "/grpc.health.v1.Health/Check", "/ray.rpc.NodeInfoGcsService/CheckAlive"
PEMS = ("CA_CERT", "SERVER_KEY", "SERVER_CERT")
CURRENT = Path("/tmp/ray/ray_current_cluster")  # where `ray start` notes its address, as ray.init(address="auto") reads
_log = logging.getLogger("tandem")


def check_cluster(address: str | None) -> None:
    """Set the environment that Ray reads as it is imported. Raises TandemError when the cluster cannot be joined.

    Nothing is reported to Ray's makers. A cluster of our own on this machine (`address` None) gets a fresh token that
    only its processes know; any other's token is the user's, see docs/cluster.md.
    """
    if find_spec("ray") is None:
        raise TandemError("--executor ray needs Ray: pip install -c constraints.txt -e '.[ray]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is None:
        if "RAY_AUTH_MODE" not in os.environ:
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        return
    if "://" in address:
        raise TandemError(f"--address {address}: train on a node of the cluster; write HOST:PORT or auto")
    asked = _resolved(address)
    token = _token()
    health = _ask(asked, HEALTH, None)
    if health != "OK":
        raise TandemError(f"no Ray cluster answers at {asked}; start one with: ray start --head (docs/cluster.md)")
    if _ask(asked, ALIVE, token) == "UNAUTHENTICATED":
        wrong = "refuses this token" if token else "asks for a token: export RAY_AUTH_MODE=token"
        raise TandemError(f"the Ray cluster at {asked} {wrong} (docs/cluster.md)")
    if token is None:
        _log.warning("the Ray cluster at %s lets anybody run code there; docs/cluster.md says how to close it", asked)


def _resolved(address: str) -> str:
    """HOST:PORT; of "auto", that of the cluster which this machine is part of."""
    if address == "auto":
        try:
            address = os.environ.get("RAY_ADDRESS") or CURRENT.read_text(encoding="utf-8").strip()
        except OSError:
            raise TandemError("no Ray runs on this machine: ray start --head (docs/cluster.md)") from None
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise TandemError(f"--address must be HOST:PORT or auto, not {address}")
    return address


def _token() -> str | None:
    """The user's token, from where Ray takes it; None where authentication is off."""
    if os.environ.get("RAY_AUTH_MODE") != "token":
        return None
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token.strip()
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        raise TandemError(f"RAY_AUTH_MODE is token, and {path} holds none: ray get-auth-token --generate") from None


def _pem(variable: str) -> bytes:
    """The file that an environment variable of Ray's names."""
    path = os.environ.get(variable, "")
    try:
        return Path(path).read_bytes()
    except OSError:
        raise TandemError(f"RAY_USE_TLS is 1, and {variable} names no file that can be read: '{path}'") from None


def _ask(address: str, method: str, token: str | None) -> str:
    """The name of the gRPC status with which a server answers an empty request."""
    import grpc

    headers = [("authorization", f"Bearer {token}")] if token else None
    options = [("grpc.enable_http_proxy", 0)]
    if os.environ.get("RAY_USE_TLS") == "1":
        credentials = grpc.ssl_channel_credentials(*(_pem(f"RAY_TLS_{name}") for name in PEMS))
        opened = grpc.secure_channel(address, credentials, options)
    else:
        opened = grpc.insecure_channel(address, options)
    with opened as channel:
        try:
            channel.unary_unary(method)(b"", timeout=ANSWER_SECONDS, metadata=headers)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"
