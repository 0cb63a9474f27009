"""The terminal through a pseudo-terminal: a person at the keyboard."""

import os
import re
import time

import pexpect
import pytest

from tests.interfaces.helpers import PATIENCE, command, tiny_net

SEARCH = ("--mode", "search", "--simulations", 400)
PROMPT = r"(?:you|over|step)> "


def spawn(*flags: object, dimensions: tuple[int, int] = (24, 80), **environment: str) -> pexpect.spawn:
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    program, *arguments = command(*flags)
    child = pexpect.spawn(
        program,
        arguments,
        env={**env, "TERM": "xterm", **environment},
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=dimensions,
    )
    child.expect(PROMPT)
    return child


def say(child: pexpect.spawn, line: str) -> str:
    """What the program answers, up to its next prompt."""
    child.sendline(line)
    child.expect(PROMPT)
    return child.before.replace("\r", "")


def plain(text: str) -> str:
    """What a terminal makes of it, but for what is written over."""
    return re.sub(r"\033\[[\d;?]*[A-Za-z]", "", text)


def ends(child: pexpect.spawn) -> int:
    """The exit code, once it is over."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_a_game_to_its_end_with_all_sorts_of_input_on_the_way():
    child = spawn("tictactoe", *SEARCH)
    assert "is no cell" in say(child, "nonsense")
    assert "engine: " in say(child, "b2")
    assert "illegal move b2" in say(child, "b2")
    assert "x" not in say(child, "/undo").split("\n\n")[1]
    for cell in (column + row for row in "123" for column in "abc"):
        answer = say(child, cell)
        if re.search(r"(you win|the engine wins|a draw); /new plays again", answer):
            break
    else:
        pytest.fail("nine cells and no end")
    assert "the game is over" in say(child, "a1")
    assert "you play second" in say(child, "/swap")
    assert "engine: " in say(child, "/new")
    child.sendline("/quit")
    assert ends(child) == 0


def test_modes_are_toggled_in_the_middle_of_a_game(tmp_path):
    child = spawn("tictactoe", "--model", tiny_net(tmp_path / "net.safetensors"), "--simulations", 40)
    for mode in ("search", "net", "value", "hybrid", "auto"):
        assert f"mode {mode}: " in say(child, f"/mode {mode}")
        cell = re.search(r"hint: (\w\d)", say(child, "/hint"))[1]
        answer = say(child, cell)
        if "/new plays again" in answer:
            assert "3  · · ·" in plain(say(child, "/new"))
        else:
            assert "engine: " in answer
    compared = plain(say(child, "/compare")).split("milliseconds")[-1].split("what the solver")[0]
    assert len(re.findall(r"^\*? +\w+ +\w\d ", compared, re.M)) == 6
    child.sendeof()
    assert ends(child) == 0


def test_ctrl_c_while_the_engine_thinks_makes_it_move_and_at_the_prompt_leaves():
    child = spawn("connect4", "--mode", "search", "--simulations", 10)
    say(child, "/hint")  # compiles
    say(child, "/seconds 100")
    for typed, sign in (("/hint", "hint: "), ("4", "engine: ")):
        child.sendline(typed)
        time.sleep(1)
        child.send("/mo")
        child.sendintr()
        began = time.monotonic()
        child.expect(PROMPT)
        assert time.monotonic() - began < 10
        assert "/mo" not in child.before
        assert "^C" not in child.before
        assert sign in child.before
        assert "stopped by Ctrl-C" in " ".join(child.before.split())  # a long line may be broken there
    assert child.before.count("x") + child.before.count("o") >= 2
    child.sendintr()
    child.expect("interrupted")
    assert ends(child) == 130
    assert "Traceback" not in child.before


def test_ctrl_c_ends_a_comparison_with_what_there_is(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors", "connect4")
    child = spawn("connect4", "--model", model, "--mode", "search", "--simulations", 10)
    say(child, "/compare")  # compiles, and imports torch
    say(child, "/seconds 100")
    child.sendline("/compare")
    child.expect("milliseconds")
    time.sleep(1)
    child.sendintr()
    child.expect(PROMPT, timeout=20)
    shown = plain(child.before)
    assert re.search(r"\* +search .*\r\nstopped by Ctrl-C", shown)
    assert "hybrid" not in shown
    child.sendline("/quit")
    assert ends(child) == 0


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(environment, coloured):
    child = spawn("tictactoe", *SEARCH, **environment)
    assert ("\033[1mengine" in say(child, "b2")) is coloured
    child.sendeof()
    assert ends(child) == 0


def test_the_first_prompt_does_not_wait_for_torch(tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    spawn("tictactoe", "--model", model).close(force=True)
    began = time.monotonic()
    child = spawn("tictactoe", "--model", model)
    assert time.monotonic() - began < 4
    child.sendline("/quit")
    assert ends(child) == 0


@pytest.mark.parametrize(("leave", "code"), [("/quit\n", 0), ("\4", 0), ("\3", 130)], ids=["quit", "ctrl-d", "ctrl-c"])
def test_leaving_while_torch_is_imported(tmp_path, leave, code):
    child = spawn("tictactoe", "--model", tiny_net(tmp_path / "net.safetensors"))
    child.send(leave)
    assert ends(child) == code
    assert "Traceback" not in child.before


def test_the_keyboards_history_works():
    child = spawn("tictactoe", *SEARCH)
    say(child, "/simulations 123")
    assert "/simulations 123" in say(child, "\033[A")
    assert "400" not in child.before
    child.sendeof()
    assert ends(child) == 0


def test_an_analysis_goes_on_until_a_key_and_the_next_line_is_read_as_ever():
    child = spawn("connect4", "--mode", "search", "--simulations", 10)
    say(child, "/hint")  # compiles
    for stop, columns in ((lambda: child.send(" "), 60), (child.sendintr, 90)):
        child.sendline("/analyse")
        child.expect("any key stops")
        time.sleep(1)
        child.setwinsize(30, columns)
        child.expect(r"\033\[2J")
        child.expect("any key stops")
        assert len(re.findall(r"^[ .·]+$", plain(child.before).replace("\r", ""), re.M)) == 6  # the board, once more
        stop()
        child.expect(PROMPT)
        shown = plain(child.before)
        assert max(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) simulations", shown)) > 10_000
    child.sendline("/simulations")
    child.expect("10 simulations a move")
    child.sendline("/quit")
    assert ends(child) == 0


def test_an_analysis_ends_by_itself_once_the_outcome_is_proven():
    child = spawn("tictactoe", *SEARCH)
    assert "search: proven draw" in plain(say(child, "/analyse"))
    child.sendeof()
    assert ends(child) == 0


def test_watching_runs_until_a_key():
    child = spawn("connect4", "--mode", "search", "--side", "none", "--seconds", 0.2)
    child.sendline("/run")
    for _ in range(3):
        child.expect("engine: ")
    child.send("x")
    child.expect(PROMPT)
    child.send("\r")
    child.expect("engine: ")
    child.expect(PROMPT)
    child.sendintr()
    assert ends(child) == 130


@pytest.mark.parametrize(
    ("flags", "environment", "stone"),
    [((), {}, "×"), (("--ascii",), {}, "x"), ((), {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, "x")],
    ids=["utf-8", "flag", "ascii"],
)
def test_figures_are_for_terminals_that_know_them(flags, environment, stone):
    child = spawn("tictactoe", *SEARCH, *flags, **{"PYTHONIOENCODING": "utf-8", **environment})
    said = plain(say(child, "b2"))
    assert f" {stone} " in said
    assert said.isascii() == (stone == "x")
    assert "\\u" not in said
    child.sendeof()
    assert ends(child) == 0


def test_a_narrow_terminal_gets_tables_that_fit():
    child = spawn("connect4", "--mode", "search", "--simulations", 400, dimensions=(24, 40))
    for line in ("4", "/why", "/compare", "/help", "/mode"):
        say(child, line)
        rows = [plain(row).rstrip() for row in re.split(r"[\r\n]|\033\[\d*A", child.before)]
        assert max(map(len, rows)) <= 40, rows
    child.sendeof()
    assert ends(child) == 0
