"""The page of a table, served in this process on a port of its own."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from interfaces.recorder import Recorder
from interfaces.session import Session
from interfaces.web.server import Server
from interfaces.web.table import Table
from tests.interfaces.helpers import PATIENCE


class Client:
    """What a tab does, and what strangers may try."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(self, method: str, path: str, body: str | bytes = "", headers: dict[str, str] | None = None):
        """Status and answer of one request; the answer is read as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        kind = response.headers["Content-Type"]
        return response.status, json.loads(data) if kind == "application/json" else data.decode()

    def post(self, name: str, **given):
        """Status and answer of a command of the page."""
        return self.request("POST", f"/api/{name}", json.dumps(given), {"X-Tandem": "1"})

    def ask(self, name: str, **given) -> dict:
        """The state after a command that succeeds."""
        status, state = self.post(name, **given)
        assert status == 200, state
        return state

    def state(self) -> dict:
        """The state now."""
        return self.request("GET", "/api/state")[1]

    def rested(self, *while_doing: str) -> dict:
        """The state once the engine does nothing, or none of these."""
        end = time.monotonic() + PATIENCE
        while (state := self.state())["thinking"] and (not while_doing or state["thinking"] in while_doing):
            assert time.monotonic() < end, state["thinking"]
            time.sleep(0.02)
        return state


@contextmanager
def served(
    session: Session, side: str = "first", recorder: Recorder | None = None, start: str | None = None
) -> Iterator[Client]:
    """A client of a table that is open as long as the body runs."""
    table = Table(session, "a table", side, recorder)
    with Server(table, 0) as server:
        table.open(start)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Client(server.server_port)
        finally:
            server.shutdown()
            thread.join()
            table.close()
