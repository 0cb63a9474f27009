"""The page over HTTP: what it answers, what it refuses, and that requests while the engine thinks do no harm."""

import json
import re
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import play
from engine.position import Position
from games.errors import TandemError
from games.loader import load
from interfaces.recorder import Recorder
from interfaces.web.server import FILES, MOST_BODY
from tests.interfaces.helpers import PATIENCE, command, session, tiny_net
from tests.interfaces.web.serving import served

OURS = {"X-Tandem": "1"}


def simulations_of(candidates):
    number, _, unit = candidates["work"].partition(" ")
    assert unit == "simulations"
    return int(number.replace(",", ""))


@pytest.fixture(scope="module")
def client():
    with served(session()) as found:
        yield found


def test_the_page_comes_with_all_it_names_and_nothing_from_elsewhere(client):
    status, page = client.request("GET", "/")
    assert status == 200
    texts = {name: client.request("GET", f"/{name}")[1] for name in FILES}
    assert texts["index.html"] == page
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page) + re.findall(r'from "\.(/[^"]+)"', "".join(texts.values()))
    assert {"/page.js", "/style.css", "/board.js", "/panels.js"} <= set(named)
    assert all(client.request("GET", path)[0] == 200 for path in named)
    foreign = set(re.findall(r"https?://[^\"'\s)]+", "".join(texts.values())))
    assert foreign <= {"http://www.w3.org/2000/svg"}  # a name, which nobody fetches


def test_the_men_of_chess_are_drawn_by_their_letters(client):
    status, drawing = client.request("GET", "/pieces.svg")
    assert status == 200
    assert set(re.findall(r'symbol id="man-(.)"', drawing)) == set("KQRBNPkqrbnp")


# name: (method, path, body, headers, status, words of the error)
REFUSED = {
    "unknown path": ("GET", "/nowhere", "", {}, 404, "there is nothing at /nowhere"),
    "outside": ("GET", "/../server.py", "", {}, 404, "nothing at /../server.py"),
    "encoded outside": ("GET", "/%2e%2e/server.py", "", {}, 404, "nothing at"),
    "unknown command": ("POST", "/api/explode", "{}", OURS, 404, "nothing at /api/explode"),
    "command as a page": ("POST", "/", "{}", OURS, 404, "nothing at /"),
    "other method": ("DELETE", "/", "", {}, 501, "Unsupported method"),
    "foreign host": ("GET", "/", "", {"Host": "evil.example:8000"}, 403, "127.0.0.1 or localhost"),
    "host that begins like ours": ("GET", "/", "", {"Host": "127.0.0.1.evil.example"}, 403, "127.0.0.1 or localhost"),
    "foreign host, state": ("GET", "/api/state", "", {"Host": "evil.example"}, 403, "127.0.0.1 or localhost"),
    "foreign host, command": ("POST", "/api/undo", "{}", {**OURS, "Host": "evil.example"}, 403, "localhost"),
    "no header": ("POST", "/api/undo", "{}", {}, 403, "send the header X-Tandem"),
    "a form": ("POST", "/api/new", "a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 403, "X-Tandem"),
    "foreign origin": ("POST", "/api/undo", "{}", {**OURS, "Origin": "http://evil.example"}, 403, "this page alone"),
    "no origin": ("POST", "/api/undo", "{}", {**OURS, "Origin": "null"}, 403, "this page alone"),
    "no JSON": ("POST", "/api/move", "move=b2", OURS, 400, "a command is a JSON object"),
    "no text": ("POST", "/api/move", b"\xff\xfe{", OURS, 400, "a command is a JSON object"),
    "deep": ("POST", "/api/move", "[" * 9000, OURS, 400, "a command is a JSON object"),
    "a list": ("POST", "/api/move", "[]", OURS, 400, "a command is a JSON object"),
    "long": ("POST", "/api/move", "x" * (MOST_BODY + 1), OURS, 413, "at most 10,000 bytes"),
    "length of no number": ("POST", "/api/move", "", {**OURS, "Content-Length": "-1"}, 411, "Content-Length"),
    "no move": ("POST", "/api/move", "{}", OURS, 400, "move must be a move"),
    "move of a kind": ("POST", "/api/move", '{"move": ["b2"]}', OURS, 400, "move must be a move"),
    "no such cell": ("POST", "/api/move", '{"move": "z9"}', OURS, 400, "is no cell: write a column a-c"),
    "stale": ("POST", "/api/move", '{"move": "b2", "ply": 7}', OURS, 409, "moved on: 0 moves have been played"),
    "nothing to undo": ("POST", "/api/undo", "{}", OURS, 400, "you have not moved yet"),
    "no position": ("POST", "/api/new", '{"position": "xxx"}', OURS, 400, "is no tic-tac-toe position"),
    "side": ("POST", "/api/side", '{"side": "third"}', OURS, 400, "side must be one of first, second, both, none"),
    "mode": ("POST", "/api/mode", '{"mode": "serch"}', OURS, 400, "did you mean search?"),
    "mode without a net": ("POST", "/api/mode", '{"mode": "net"}', OURS, 400, "mode net needs a net"),
    "budget": ("POST", "/api/budget", '{"seconds": "0"}', OURS, 400, "seconds must be a number above 0"),
    "budget of NaN": ("POST", "/api/budget", '{"seconds": NaN}', OURS, 400, "seconds must be a number above 0"),
    "two budgets": ("POST", "/api/budget", '{"seconds": 1, "simulations": 2}', OURS, 400, "either simulations or"),
    "level": (
        "POST",
        "/api/level",
        '{"level": "11"}',
        OURS,
        400,
        "a whole number from 1, the weakest, to 10, not '11'",
    ),
    "level of a kind": ("POST", "/api/level", '{"level": [3]}', OURS, 400, "level must be a level, or null"),
    "no level": ("POST", "/api/level", "{}", OURS, 400, "level must be a level, or null"),
    "analyse": ("POST", "/api/analyse", '{"on": "yes"}', OURS, 400, "on must be true or false"),
    "run": ("POST", "/api/run", "{}", OURS, 400, "choose side none"),
    "ply": ("GET", "/api/position?ply=x", "", {}, 400, "ply must be a whole number"),
    "ply ahead": ("GET", "/api/position?ply=1", "", {}, 400, "no position after 1 moves"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_on_one_line_and_changes_nothing(client, name):
    method, path, body, headers, status, words = REFUSED[name]
    before = {**client.state(), "version": ""}
    found = client.request(method, path, body, headers)
    assert found[0] == status
    assert words in found[1]["error"]
    assert "\n" not in found[1]["error"]
    assert {**client.state(), "version": ""} == before


def test_what_is_no_http_gets_one_line_too(client):
    with socket.create_connection(("127.0.0.1", client.port), timeout=PATIENCE) as line:
        line.sendall(b"nonsense\r\n\r\n")
        assert b'{"error": "Bad request' in line.makefile("rb").read()


def test_localhost_is_ours_too(client):
    assert client.request("GET", "/", "", {"Host": f"localhost:{client.port}"})[0] == 200
    assert client.request("GET", "/", "", {"Host": "localhost"})[0] == 200
    own = {**OURS, "Host": "localhost:1", "Origin": "http://localhost:1"}  # as through a tunnel
    assert client.request("POST", "/api/stop", "{}", own)[0] == 200


def test_a_game_to_its_end_with_undo_and_a_new_one(tmp_path):
    recorder = Recorder(load("tictactoe"), tmp_path / "games.txt")
    with served(session("search:simulations=400"), recorder=recorder) as client:
        state = client.state()
        assert (state["persons_turn"], state["to_move"], len(state["legal"])) == (True, "first", 9)
        client.ask("move", move="b2", ply=0)
        state = client.rested()
        assert len(state["moves"]) == 2
        assert state["board"]["last"] == next(
            m["cells"] for m in state["candidates"]["moves"] if m["move"] == state["moves"][1]
        )
        assert [point["ply"] for point in state["evaluations"]] == [1]
        assert client.ask("undo")["moves"] == []
        while (state := client.rested())["outcome"] is None:
            client.ask("move", move=state["legal"][0]["move"], ply=len(state["moves"]))
        assert state["persons_turn"] is False
        assert state["evaluations"][-1]["wdl"] == [float(state["outcome"] == v) for v in (1, 0, -1)]
        assert bool(state["board"]["ended_by"]) == bool(state["outcome"])
        status, refused = client.post("move", move="b2")
        assert (status, "the game is over" in refused["error"]) == (400, True)
        played = " ".join(state["moves"])
        assert played in (tmp_path / "games.txt").read_text()
        earlier = client.request("GET", "/api/position?ply=1")[1]
        assert sum(row.count("x") for row in earlier["pieces"]) == 1
        assert client.ask("new")["moves"] == []
        assert played in (tmp_path / "games.txt").read_text()


def test_every_reader_sees_the_same_game_and_hears_of_changes(client):
    version = client.state()["version"]
    with ThreadPoolExecutor(4) as tabs:
        waiting = [tabs.submit(client.request, "GET", f"/api/state?after={version}") for _ in range(4)]
        client.ask("side", side="both")
        states = [tab.result(PATIENCE)[1] for tab in waiting]
    assert {state["side"] for state in states} == {"both"}
    assert version not in {state["version"] for state in states}
    client.ask("side", side="first")


def test_a_move_of_the_engine_is_stopped_and_played():
    with served(session("search:seconds=100", "connect4")) as client:
        client.ask("move", move="4")
        while not client.state()["candidates"]:
            assert client.state()["thinking"] == "move"
        status, refused = client.post("move", move="4")
        assert (status, refused["error"]) == (409, "it is the engine's turn")
        assert client.post("hint")[0] == 409
        client.ask("stop")
        state = client.rested()
        assert len(state["moves"]) == 2
        assert state["moves"][1] == state["candidates"]["moves"][0]["move"]


def test_changes_while_the_engine_thinks_begin_its_thought_anew_or_end_it():
    with served(session("search:seconds=100", "connect4")) as client:
        client.ask("move", move="4")
        assert client.ask("mode", mode="exact")["thinking"] == "move"
        state = client.ask("undo")
        assert (state["moves"], state["thinking"], state["mode"]) == ([], None, "exact")
        client.ask("mode", mode="search")
        client.ask("move", move="4")
        assert client.ask("side", side="second")["thinking"] is None  # the move has come to the person
        assert client.state()["persons_turn"]
        assert client.ask("new")["thinking"] == "move"  # the engine begins
        client.ask("budget", simulations=30)
        assert len(client.rested()["moves"]) == 1


def test_a_level_plays_until_a_mode_or_a_budget_is_chosen_and_hints_as_strong_as_ever(tmp_path):
    recorder = Recorder(load("gomoku:size=7"), tmp_path / "games.sgf")
    with served(session("search:simulations=700", "gomoku:size=7"), recorder=recorder) as client:
        state = client.ask("level", level="1")
        assert (state["level"], state["mode"], state["levels"]) == (1, "search", 10)
        client.ask("move", move="d4")
        assert client.rested()["candidates"]["work"] == "5 simulations"
        assert "Tandem level 1" in (tmp_path / "games.sgf").read_text()
        client.ask("hint")
        assert simulations_of(client.rested()["candidates"]) > 100
        assert client.ask("mode", mode="search")["level"] is None
        client.ask("level", level=2)
        assert client.ask("budget", simulations=300)["level"] is None
        client.ask("level", level=2)
        assert client.ask("level", level=None)["level"] is None
        client.ask("move", move="a1")
        assert simulations_of(client.rested()["candidates"]) > 100


def test_hints_and_analysis_leave_the_game_alone_and_end_with_a_move():
    with served(session("search:simulations=200", "connect4")) as client:
        client.ask("hint")
        state = client.rested()
        assert state["hint"]["move"] == state["candidates"]["moves"][0]["move"]
        assert state["moves"] == []
        client.ask("analyse", on=True)
        client.ask("budget", seconds=100)
        assert client.state()["thinking"] == "analyse"
        client.ask("budget", simulations=200)
        state = client.ask("move", move="1")
        assert state["hint"] is None
        state = client.rested("move")
        assert len(state["moves"]) == 2
        assert client.ask("analyse", on=False)["thinking"] is None


def test_candidates_agree_with_themselves():
    with served(session("search:simulations=500", "connect4")) as client:
        client.ask("hint")
        found = client.rested()["candidates"]
        position = Position(load("connect4"))
        assert sum(move["visits"] for move in found["moves"]) <= simulations_of(found)
        assert sum(move["share"] for move in found["moves"]) == pytest.approx(1, abs=0.01)
        for move in found["moves"]:
            assert move["line"][0]["move"] == move["move"]
            assert move["q"] == pytest.approx(move["wdl"][0] - move["wdl"][2], abs=0.001)
            again = Position.from_moves(position.game, [step["move"] for step in move["line"][:-1]])
            last = again.game.parse_action(again.state, move["line"][-1]["move"])
            assert move["line"][-1]["cells"] == [list(cell) for cell in again.game.touched(again.state, last)]


def test_the_comparison_has_every_mode_and_the_truth(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    played = session("hybrid:simulations=40", model=model)
    played.truth(bool)  # a solver that has its kernels to compile proves nothing within its time
    with served(played, start="x...o....") as client:
        client.ask("compare")
        found = client.rested()["comparison"]
        assert [row["mode"] for row in found["rows"]] == ["search", "net", "value", "hybrid", "auto", "exact"]
        assert found["rows"][-1]["outcome"] == 0
        assert sorted(move for group in found["proofs"] for move in group["moves"]) == sorted(
            m["move"] for m in client.state()["legal"]
        )
        assert {group["truth"].split()[0] for group in found["proofs"]} <= {"win", "draw", "loss"}


def test_the_engine_plays_itself_by_steps_and_to_the_end():
    with served(session("search:simulations=20"), side="none") as client:
        assert client.state()["paused"]
        client.ask("step")
        assert len(client.rested()["moves"]) == 1
        client.ask("run")
        client.ask("stop")
        assert client.rested()["outcome"] is None
        client.ask("run")
        assert client.rested()["outcome"] is not None


def test_passes_and_swaps_touch_no_cell_and_promotions_share_theirs():
    with served(session("search:simulations=20", "hex:size=3,swap=1"), side="both") as client:
        state = client.ask("move", move="b2")
        assert [m["move"] for m in state["legal"] if not m["cells"]] == ["swap"]
        assert client.ask("move", move="swap")["board"]["pieces"] == ["...", ".o.", "..."]
    with served(session("search:simulations=20", "chess"), side="both", start="8/P6k/8/8/8/8/8/K7 w - - 0 1") as client:
        ways = [m["move"] for m in client.state()["legal"] if m["cells"] == [[1, 0], [0, 0]]]
        assert sorted(ways) == ["a7a8b", "a7a8n", "a7a8q", "a7a8r"]
        assert client.ask("move", move="a7a8n")["board"]["pieces"][0] == "N......."


def test_many_requests_at_once_leave_a_game_that_can_be_replayed():
    with served(session("search:seconds=0.02", "connect4"), side="first") as client:
        names = [("move", {"move": str(1 + i % 7)}) for i in range(40)]
        names += [
            ("undo", {}),
            ("stop", {}),
            ("hint", {}),
            ("mode", {"mode": "search"}),
            ("side", {"side": "first"}),
        ] * 6
        with ThreadPoolExecutor(8) as tabs:
            answers = list(tabs.map(lambda item: client.post(item[0], **item[1]), sorted(names, key=str)))
        assert {status for status, _ in answers} <= {200, 400, 409}
        state = client.rested()
        again = Position.from_moves(load("connect4"), state["moves"])
        assert again.game.pieces(again.state) == state["board"]["pieces"]


def test_an_engine_that_fails_leaves_the_game_to_the_person(monkeypatch):
    played = session("search:simulations=20")

    def fail(*_):
        raise TandemError("no engine\ntoday")

    monkeypatch.setattr(played, "think", fail)
    with served(played) as client:
        client.ask("move", move="b2")
        state = client.rested()
        assert state["note"] == "no engine today; you play both sides from here"
        assert state["side"] == "both"
        assert client.ask("move", move="a1")["moves"] == ["b2", "a1"]


def test_a_tab_that_hangs_up_while_it_waits_is_no_error(client, capfd):
    with socket.create_connection(("127.0.0.1", client.port)) as line:
        version = client.state()["version"]
        line.sendall(f"GET /api/state?after={version} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    client.ask("stop")
    assert client.state()["moves"] == []
    assert capfd.readouterr().err == ""


def test_flags_that_do_not_go_together():
    for flags, words in [
        (["--web", "--gtp"], "--web is for people"),
        (["--port", "8000"], "--port is that of --web"),
        (["tictactoe", "--mode", "search", "--web", "--port", "x"], "--port must be a whole number"),
        (["tictactoe", "--mode", "search", "--web", "--port", "99999"], "--port must be a whole number up to 65535"),
        (["tictactoe", "--mode", "search", "--web", "--port", "0", "--position", "xxx"], "no tic-tac-toe position"),
    ]:
        with pytest.raises(TandemError, match=words):
            play.main(flags)


def test_a_port_in_use_is_refused_by_number_and_else_the_next_is_taken():
    with served(session()) as client:
        flags = command("tictactoe", "--mode", "search", "--web", "--port", client.port)
        done = subprocess.run(flags, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"error: port {client.port} is in use")


@pytest.mark.parametrize("thinking", [False, True], ids=["at rest", "thinking"])
def test_ctrl_c_ends_it_cleanly(thinking):
    flags = command(
        "tictactoe", "--mode", "search", "--seconds", 50, "--web", "--side", "second" if thinking else "first"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen(flags, stdout=pipe, stderr=pipe, text=True)
    lines = [process.stdout.readline() for _ in range(2)]
    assert lines[0].startswith("tictactoe, ")
    assert re.fullmatch(r"http://127\.0\.0\.1:80\d\d/  \(Ctrl-C ends it\)\n", lines[1])
    killer = threading.Timer(PATIENCE, process.kill)
    killer.start()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate()
    killer.cancel()
    assert (process.returncode, rest) == (0, "\n")
    assert "Traceback" not in errors


def test_the_state_is_json_that_every_browser_reads(client):
    json.dumps(client.state(), allow_nan=False)
