"""GTP line by line: what is answered, and that a refusal changes nothing."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interfaces.clock import MOST_MOVES_EXPECTED
from interfaces.gtp import Gtp
from tests.interfaces.helpers import session

LINES = [{"a1", "b1", "c1"}, {"a2", "b2", "c2"}, {"a3", "b3", "c3"}, {"a1", "a2", "a3"}, {"b1", "b2", "b3"}]
LINES += [{"c1", "c2", "c3"}, {"a1", "b2", "c3"}, {"a3", "b2", "c1"}]
CELLS = [column + row for row in "123" for column in "abc"]
FIRST_WINS = ["a1", "a2", "b1", "b2", "c1"]
SECOND_WINS = ["a1", "a2", "b1", "b2", "c3", "c2"]
NOBODY_WINS = ["a1", "b1", "c1", "b2", "a2", "c2", "b3", "a3", "c3"]


def after(moves: list[str]) -> Gtp:
    gtp = Gtp(session())
    for ply, move in enumerate(moves):
        assert gtp.answer(f"play {'bw'[ply % 2]} {move}") == "=\n\n"
    return gtp


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("protocol_version", "= 2\n\n"),
        ("name", "= Tandem\n\n"),
        ("12 name", "=12 Tandem\n\n"),
        ("0 name", "=0 Tandem\n\n"),
        ("  7   name  ", "=7 Tandem\n\n"),
        ("\tname\r\n", "= Tandem\n\n"),
        ("na\x00me\x07", "= Tandem\n\n"),
        ("name # who are you", "= Tandem\n\n"),
        ("name#who", "= Tandem\n\n"),
        ("known_command genmove", "= true\n\n"),
        ("known_command tandem-mode", "= true\n\n"),
        ("known_command nonsense", "= false\n\n"),
        ("known_command", "? syntax error\n\n"),
        ("nonsense", "? unknown command\n\n"),
        ("3 nonsense b 1", "?3 unknown command\n\n"),
        ("NAME", "? unknown command\n\n"),
        ("-1 name", "? unknown command\n\n"),
        ("12", "?12 syntax error\n\n"),
        ("quit", "=\n\n"),
        ("boardsize 3", "=\n\n"),
        ("boardsize 19", "? unacceptable size\n\n"),
        ("boardsize three", "? syntax error\n\n"),
        ("boardsize", "? syntax error\n\n"),
        ("boardsize 3 3", "? syntax error\n\n"),
        ("clear_board", "=\n\n"),
        ("play b b2", "=\n\n"),
        ("play BLACK B2", "=\n\n"),
        ("play w b2", "? illegal move: b is to move\n\n"),
        ("play b b4", "? illegal move\n\n"),
        ("play b b2 b3", "? illegal move\n\n"),
        ("play b pass", "? illegal move\n\n"),
        ("play red b2", "? syntax error\n\n"),
        ("play b", "? syntax error\n\n"),
        ("play", "? syntax error\n\n"),
        ("genmove", "? syntax error\n\n"),
        ("genmove b w", "? syntax error\n\n"),
        ("genmove red", "? syntax error\n\n"),
        ("genmove w", "? illegal move: b is to move\n\n"),
        ("undo", "? cannot undo\n\n"),
        ("final_score", "? cannot score\n\n"),
        ("time_settings 60 0 0", "=\n\n"),
        ("time_settings 60 0", "? syntax error\n\n"),
        ("time_settings 60 0 -1", "? syntax error\n\n"),
        ("time_left b 10 0", "=\n\n"),
        ("time_left b ten 0", "? syntax error\n\n"),
        ("time_left red 10 0", "? syntax error\n\n"),
        ("tandem-mode", "= search\n\n"),
        ("tandem-simulations", "= 20 simulations a move\n\n"),
        ("tandem-simulations 1", "=\n\n"),
        ("tandem-seconds 0.5", "=\n\n"),
        ("tandem-analyze w", "? illegal move: b is to move\n\n"),
        ("tandem-analyze red", "? syntax error\n\n"),
        ("tandem-analyze b w", "? syntax error\n\n"),
        ("tandem-analyze simulations=", "? syntax error\n\n"),
        ("tandem-analyze seed=1 seed=2", "? syntax error\n\n"),
        ("showboard", "=\n3  . . .\n2  . . .\n1  . . .\n   a b c\n\n"),
    ],
)
def test_one_line(line, answer):
    assert Gtp(session()).answer(line) == answer


def test_the_solver_answers_as_a_mode():
    gtp = after(FIRST_WINS[:-1])
    assert gtp.answer("tandem-mode exact") == "=\n\n"
    assert gtp.answer("tandem-mode") == "= exact\n\n"
    assert gtp.answer("tandem-simulations") == "= 1 s a move\n\n"
    assert gtp.answer("genmove b") == "= c1\n\n"
    assert gtp.answer("final_score") == "= B+1\n\n"


def test_the_version_is_a_number():
    assert re.fullmatch(r"= \d+\.\d+\.\d+\n\n", Gtp(session()).answer("version"))


@pytest.mark.parametrize("line", ["", "\n", "   \t ", "# a comment", "  # 1 name", "\x01\x02"])
def test_lines_without_a_command_are_not_answered(line):
    assert Gtp(session()).answer(line) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tandem-simulations 0", "simulations must be a whole number from 1"),
        ("tandem-seconds -1", "seconds must be a number above 0"),
        ("tandem-mode serch", "did you mean search?"),
        ("tandem-mode hybrid", "mode hybrid needs a net"),
        ("tandem-analyze mode=serch", "did you mean search?"),
        ("tandem-analyze mode=net", "mode net needs a net"),
        ("tandem-analyze simulatons=5", "did you mean simulations?"),
        ("tandem-analyze simulations=0", "simulations must be a whole number from 1"),
        ("tandem-analyze mode=exact simulations=5", "exact takes only seconds, seed, not simulations"),
        ("tandem-analyze model=a", "the net is that of the session"),
        ("tandem-analyze kind=net", "unknown option 'kind'"),
        ("tandem-analyze session=net", "unknown option 'session'"),
        ("tandem-analyze prior=net", "mode search needs a net"),
    ],
)
def test_settings_are_refused_on_one_line_and_kept(line, words):
    gtp = Gtp(session())
    answer = gtp.answer(line)
    assert answer.startswith("? ")
    assert words in answer
    assert answer.count("\n") == 2
    assert (gtp.session.mode, gtp.session.budget) == ("search", "20 simulations a move")


def test_every_listed_command_is_known_and_quit_closes():
    gtp = Gtp(session())
    names = gtp.answer("list_commands").removeprefix("= ").split()
    assert len(names) == 19
    assert all(gtp.answer(f"known_command {name}") == "= true\n\n" for name in names)
    assert not gtp.closed
    gtp.answer("quit")
    assert gtp.closed


@pytest.mark.parametrize(("moves", "score"), [(FIRST_WINS, "B+1"), (SECOND_WINS, "W+1"), (NOBODY_WINS, "0")])
def test_the_end_of_a_game(moves, score):
    gtp = after(moves)
    board = gtp.answer("showboard")
    assert gtp.answer("final_score") == f"= {score}\n\n"
    free = next((cell for cell in CELLS if cell not in moves), "a1")
    for colour in "bw":
        assert gtp.answer(f"genmove {colour}") == "? game over\n\n"
        assert gtp.answer(f"play {colour} {free}").startswith("? illegal move")
    assert gtp.answer("showboard") == board
    assert gtp.answer("undo") == "=\n\n"
    assert gtp.answer("final_score") == "? cannot score\n\n"


def test_connect4_takes_its_rows_and_its_columns_as_boardsize():
    gtp = Gtp(session(game="connect4"))
    assert [gtp.answer(f"boardsize {size}")[0] for size in (5, 6, 7, 8)] == ["?", "=", "=", "?"]
    assert gtp.answer("play b 4") == "=\n\n"
    assert gtp.answer("play w 8") == "? illegal move\n\n"
    assert gtp.answer("genmove w").strip("= \n") in list("1234567")


def test_genmove_wins_where_it_can():
    gtp = after(FIRST_WINS[:-1])
    gtp.session.set_budget(simulations="200")
    assert gtp.answer("5 genmove b") == "=5 c1\n\n"
    assert gtp.answer("final_score") == "= B+1\n\n"


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], None),
        (["time_settings 0 10 0"], None),
        (["time_settings 9 0 0"], 9 / 5),
        (["time_settings 9 0 0", "time_left b 3 0"], 3 / 5),
        (["time_settings 9 0 0", "time_left w 3 0"], 9 / 5),
        (["time_settings 0 8 4"], 2),
        (["time_settings 0 8 4", "time_left b 3 2"], 1.5),
        (["time_settings 9 0 0", "time_left b 1 0", "clear_board"], 9 / 5),
        (["time_settings 9 0 0", "time_settings 0 0 0"], None),
    ],
)
def test_the_clock_steers_the_next_move(lines, seconds, monkeypatch):
    gtp, asked = Gtp(session()), []
    think = gtp.session.think
    monkeypatch.setattr(gtp.session, "think", lambda seconds: asked.append(seconds) or think())
    for line in lines:
        assert gtp.answer(line) == "=\n\n"
    gtp.answer("genmove b")
    assert asked == [None if seconds is None else pytest.approx(seconds, abs=0.06)]


def test_a_clocked_move_takes_its_share_of_real_time():
    gtp = Gtp(session("search:seconds=60", "connect4"))
    gtp.session.think(seconds=0.01)  # the kernels' compilation is not what is timed here
    gtp.answer("time_settings 6 0 0")
    began = time.monotonic()
    assert gtp.answer("genmove b").startswith("= ")
    assert time.monotonic() - began < 6 / min(21, MOST_MOVES_EXPECTED) + 0.5


class Reference:
    """Tic-tac-toe written once more, as naively as can be."""

    def __init__(self) -> None:
        self.moves: list[str] = []

    @property
    def turn(self) -> str:
        return "bw"[len(self.moves) % 2]

    @property
    def over(self) -> bool:
        return len(self.moves) == 9 or any(line <= set(self.moves[k::2]) for line in LINES for k in (0, 1))

    def accepts(self, colour: str, cell: str) -> bool:
        return not self.over and colour == self.turn and cell in CELLS and cell not in self.moves

    def board(self) -> str:
        marks = {move: "xo"[ply % 2] for ply, move in enumerate(self.moves)}
        rows = [f"{row}  " + " ".join(marks.get(column + row, ".") for column in "abc") for row in "321"]
        return "=\n" + "\n".join([*rows, "   a b c"]) + "\n\n"


PLAY = st.tuples(st.just("play"), st.sampled_from("bw"), st.sampled_from([*CELLS, "d4", "", "pass"]))
GENMOVE = st.tuples(st.just("genmove"), st.sampled_from("bw"))
OTHER = st.sampled_from(
    [("undo",), ("clear_board",), ("boardsize", "3"), ("boardsize", "9"), ("nonsense", "b", "a1"), ("final_score",)]
)
COMMANDS = st.lists(st.one_of(PLAY, PLAY, PLAY, GENMOVE, OTHER), max_size=40)


@settings(max_examples=150, deadline=None)
@given(COMMANDS)
def test_the_board_is_that_of_a_reference_after_any_commands(commands):
    gtp, reference = Gtp(session("search:simulations=2")), Reference()
    for words in commands:
        answer = gtp.answer(" ".join(words))
        assert answer.endswith("\n\n")
        done = answer.startswith("=")
        if words[0] == "play":
            assert done == reference.accepts(words[1], words[2])
            reference.moves += [words[2]] * done
        elif words[0] == "genmove":
            assert done == (not reference.over and words[1] == reference.turn)
            if done:
                move = answer.removeprefix("= ").strip()
                assert reference.accepts(words[1], move)
                reference.moves.append(move)
        elif words[0] == "undo":
            assert done == bool(reference.moves)
            del reference.moves[-1:]
        elif words[0] == "clear_board":
            reference.moves.clear()
        elif words[0] == "final_score":
            assert done == reference.over
        assert gtp.answer("showboard") == reference.board()


KNOWN = (Gtp(session()).answer("list_commands") or "").removeprefix("= ").split()
WORDS = st.sampled_from(
    [*KNOWN, "b", "w", "b2", "-1", "1e400", "nan", "9" * 400, "\0", "é", "#", "99999999999", "net:x=1"]
)
# A number may ask for a search that takes as long as it says.
HARMLESS = st.lists(WORDS | st.text(max_size=6), max_size=5).map(" ".join).filter(
    lambda line: not re.search(r"genmove|tandem-(analyze|seconds|simulations|mode)", line)
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(HARMLESS | st.text(max_size=20) | st.just("x " * 50_000), max_size=6))
def test_no_line_does_harm(lines):
    gtp = Gtp(session())
    for line in lines:
        answer = gtp.answer(line)
        if answer is not None:
            assert re.fullmatch(r"[=?]\d*( .*)?(\n[^\n]+)*\n\n|[=?]\d*\n\n", answer), answer
    assert gtp.answer("name") == "= Tandem\n\n"
