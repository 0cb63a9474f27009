"""HTTP on this machine alone: the page's files, the state of the table as it changes, commands.

    GET  /                       the page, and the files beside it
    GET  /api/state?after=V      the state, as soon as its version is not V; after a while in any case
    GET  /api/position?ply=N     the board after N moves of this game
    POST /api/COMMAND            a JSON object; the state after it

A page of another origin can have a browser send requests here, too. So the name in Host must be one of this machine,
which no stranger's is whatever it resolves to, and commands need a header that strangers cannot set without asking
first, which nobody answers. What is refused is a JSON object with one line under "error".
"""

import errno
import json
import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from games.errors import TandemError
from interfaces.web.table import Conflict, Table

ADDRESS, PORTS = "127.0.0.1", range(8000, 8020)  # looked at in this order where no port is asked for
HOSTS = ("127.0.0.1", "localhost")
HEADER = "X-Tandem"
WAIT_SECONDS = 25.0  # that a request for a new state stays open
IDLE_SECONDS = 60.0  # that a connection may say nothing
MOST_BODY = 10_000  # bytes
FILES = {
    "index.html": "text/html",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "board.js": "text/javascript",
    "panels.js": "text/javascript",
}
FOLDER = Path(__file__).resolve().parent / "page"
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


class Server(ThreadingHTTPServer):
    """The page of one table."""

    daemon_threads = True
    # Elsewhere it lets a port be bound anew soon after; on Windows it would let two servers share one.
    allow_reuse_address = os.name != "nt"

    def __init__(self, table: Table, port: int) -> None:
        """OSError when the port is in use or not ours to take; 0 is any free one."""
        self.table = table
        files = {f"/{name}": (f"{kind}; charset=utf-8", (FOLDER / name).read_bytes()) for name, kind in FILES.items()}
        self.files = files | {"/": files["/index.html"]}
        super().__init__((ADDRESS, port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a tab that was closed is no error, and others have been answered."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Tandem", ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """A file, the state or an earlier board."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """A command."""
        self._answer(self._post)

    def _answer(self, respond: Any) -> None:
        try:
            self._require_host()
            respond()
        except Conflict as error:
            self.send_error(HTTPStatus.CONFLICT, str(error))
        except TandemError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        except _Refused as refused:
            self.send_error(refused.status, str(refused))

    def _get(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if address.path == "/api/state":
            self._send_json(self.server.table.state(query.get("after", ""), WAIT_SECONDS))
        elif address.path == "/api/position":
            ply = query.get("ply", "")
            if not (ply.isascii() and ply.isdigit() and len(ply) < 10):
                raise TandemError("ply must be a whole number")
            self._send_json(self.server.table.look_back(int(ply)))
        elif address.path == "/pieces.svg":
            self._send(_chess_men(), "image/svg+xml")
        elif address.path in self.server.files:
            kind, data = self.server.files[address.path]
            self._send(data, kind)
        else:
            self._refuse_path(address.path)

    def _post(self) -> None:
        path = urlsplit(self.path).path
        origin = self.headers.get("Origin")
        if self.headers.get(HEADER) is None or (origin is not None and origin != f"http://{self.headers['Host']}"):
            raise _Refused(HTTPStatus.FORBIDDEN, f"commands come from this page alone: send the header {HEADER}")
        name = path.removeprefix("/api/")
        if not path.startswith("/api/") or name not in self.server.table.commands:
            self._refuse_path(path)
        self._send_json(self.server.table.command(name, self._body()))

    def _refuse_path(self, path: str) -> None:
        shown = path[:40].encode("ascii", "backslashreplace").decode()
        raise _Refused(HTTPStatus.NOT_FOUND, f"there is nothing at {shown}")

    def _require_host(self) -> None:
        host = self.headers.get("Host", "")
        if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
            raise _Refused(HTTPStatus.FORBIDDEN, f"this page is at {' or '.join(HOSTS)} alone")

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "a command needs its Content-Length")
        if len(length) > 9 or int(length) > MOST_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a command has at most {MOST_BODY:,} bytes")
        try:
            given = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError):
            raise TandemError("a command is a JSON object") from None
        if not isinstance(given, dict):
            raise TandemError("a command is a JSON object")
        return given

    def _send_json(self, found: object) -> None:
        self._send(json.dumps(found, allow_nan=False).encode(), "application/json")

    def _send(self, data: bytes, kind: str, status: int = HTTPStatus.OK) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        if status >= HTTPStatus.BAD_REQUEST:  # what is left of the request's body is no next request
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """One line as JSON, for what the base class refuses too."""
        words = " ".join((message or HTTPStatus(code).phrase).split())
        self.close_connection = True
        self._send(json.dumps({"error": words}).encode(), "application/json", code)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is not for requests."""


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


def run_web(table: Table, start: str | None = None, port: str | None = None) -> int:
    """Serve the page until Ctrl-C; 0. TandemError when the port is in use or none, or `start` is no position."""
    server = _bind(table, port)
    with server:
        try:
            table.open(start)
            print(f"{table.headline}\nhttp://{ADDRESS}:{server.server_port}/  (Ctrl-C ends it)", flush=True)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print(flush=True)
        finally:
            table.close()
    return 0


def _bind(table: Table, port: str | None) -> Server:
    """At `port`, or at the first of PORTS that is free, or else at any."""
    if port is not None and not (port.isascii() and port.isdigit() and int(port[:9]) <= 65535):
        raise TandemError(f"--port must be a whole number up to 65535, not '{port}'")
    for number in [*PORTS, 0] if port is None else [int(port)]:
        try:
            return Server(table, number)
        except OSError as error:
            if port is not None:
                taken = "in use" if error.errno == errno.EADDRINUSE else f"not to be had ({error.strerror})"
                raise TandemError(f"port {port} is {taken}: name another, or none for the next free one") from None
    raise TandemError("no port is free")


def _chess_men() -> bytes:
    """The men of chess, by their letters, as symbols of one drawing."""
    from chess.svg import PIECES

    symbols = "".join(f'<symbol id="man-{letter}" viewBox="0 0 45 45">{man}</symbol>' for letter, man in PIECES.items())
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()
