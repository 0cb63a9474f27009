"""The terminal through a pipe: plain text, and every command in turn."""

import io
import re
from contextlib import redirect_stdout
from unittest import mock

import pytest

import play
from engine.exact import Solution
from games.compiler import ROOT
from games.errors import TandemError
from tests.interfaces.helpers import run_play, tiny_net

SUMMARY = r"\S+  (win \d+% draw \d+% loss \d+%|proven (win|draw|loss) in \d+ plies)  ([\d,]+ simulations|no search)"
SUMMARY += r"  \d+\.\d{3} s  pv \S+.*"
BLANK = "3  . . .\n2  . . .\n1  . . .\n   a b c"


def talk(*lines: str, flags: tuple[object, ...] = ("--mode", "search", "--simulations", 300)) -> list[str]:
    """What is said after each prompt, the typed line included; the greeting first."""
    typed, said = io.StringIO("\n".join(lines) + "\n"), io.StringIO()
    with mock.patch("sys.stdin", typed), redirect_stdout(said):
        assert play.main(["tictactoe", *map(str, flags)]) == 0
    return re.split(r"(?:you|over|first|second)> ", said.getvalue())


def test_a_pipe_gets_plain_text_and_a_clean_end():
    done = run_play("tictactoe", "--mode", "search", "--simulations", 300, typed=b"b2\n\xff\xfe\n/hint")
    assert (done.code, done.errors) == (0, "")
    assert "\033" not in done.out
    assert done.out.count("you> ") == 4
    assert re.search(rf"^engine: {SUMMARY}$", done.out, re.M)
    assert "is no cell" in done.out


def test_each_engine_move_is_one_line_and_a_board():
    greeting, said, *_ = talk("b2")
    assert "tictactoe, " in greeting.splitlines()[0]
    assert "you play first" in greeting
    assert BLANK in greeting
    assert re.match(rf"b2\nengine: {SUMMARY}\nyou \d+% [#=.]+ \d+% engine(, draw \d+%)?\n\n3 ", said)
    assert len(re.findall(r"\(o\)", said)) == 1, "the last move is marked"
    assert said.count("x") == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("z9", "'z9' is no cell: write a column a-c and a row 1-3, such as b2"),
        ("b2", "illegal move b2; legal: "),
        ("quit", "commands begin with a slash, as in /quit"),
        ("/hnit", "unknown command /hnit: did you mean /hint?"),
        ("/xyzzy", "unknown command /xyzzy: try /help"),
        ("/", "unknown command /: try /help"),
        ("/mode serch", "unknown mode 'serch': did you mean search?"),
        ("/simulations 0", "simulations must be a whole number from 1"),
        ("/simulations many", "simulations must be a whole number from 1"),
        ("/seconds -2", "seconds must be a number above 0"),
        ("/undo 3", "/undo takes nothing after it, not '3'"),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(typed, words):
    _, first, refused, undone, _, _ = talk("b2", typed, "/undo", "/simulations")
    assert refused.startswith(f"{typed}\n")
    assert words in refused
    assert refused.count("\n") == 2
    assert BLANK in undone
    assert first.count("x") == 1


def test_undo_takes_back_both_plies_and_nothing_more():
    _, _, second, undone, again, nothing, _ = talk("b2", next_free := "/hint", "/undo", "/undo", "/undo")[:7]
    assert next_free in second
    assert BLANK in undone
    assert "nothing to take back: you have not moved yet" in again
    assert "nothing to take back" in nothing


def test_undo_of_the_second_player_stops_at_the_engines_first_move():
    flags = ("--mode", "search", "--simulations", 300, "--side", "second")
    greeting, refused, *_ = talk("/undo", flags=flags)
    assert "engine: " in greeting
    assert "nothing to take back: you have not moved yet" in refused


def test_undo_after_the_end_and_new():
    flags = ("--mode", "search", "--simulations", 2, "--side", "both")
    said = talk("a1", "a2", "b1", "b2", "c1", "c2", "/hint", "/undo", "c2", "/new", flags=flags)
    assert "first wins; /new plays again" in said[5]
    assert "the game is over: /new plays again" in said[6]
    assert "the game is over (rules)" in said[7]
    assert said[8].count("x") == 2
    assert said[9].count("x") == 3
    assert BLANK in said[10]


def test_a_draw_and_a_loss_are_called_so():
    drawn = ["a1", "b1", "c1", "b2", "a2", "c2", "b3", "a3", "c3"]
    assert "a draw; /new" in talk(*drawn, flags=("--mode", "search", "--side", "both"))[9]
    said = talk("a1", "a2", "/undo", "a3", "b1", "c3", "c2", "b3")
    assert any("the engine wins; /new plays again" in part for part in said)


def test_swap_lets_the_engine_move_for_the_other_side():
    _, swapped, *_ = talk("/swap", "/swap")
    assert re.match(rf"/swap\nyou play second\nengine: {SUMMARY}\n", swapped)
    said = talk("/swap", flags=("--mode", "search", "--side", "both"))
    assert "there is nobody to swap with" in said[1]


def test_one_simulation_is_no_plural():
    _, set_to, hint, _ = talk("/simulations 1", "/hint")
    assert "1 simulation a move" in set_to
    assert "  1 simulation  " in hint


def test_budgets_count_from_the_next_move():
    _, before, set_to, after, shown, _ = talk("a1", "/simulations 7", "/hint", "/simulations")
    assert "7 simulations a move" in set_to
    assert "7 simulations a move" in shown
    assert [int(re.search(r"([\d,]+) simulations", said)[1]) > 7 for said in (before, after)] == [True, False]
    assert "0.05 s a move" in talk("/seconds 0.05")[1]


def test_help_says_the_rules_the_moves_and_every_command():
    said = talk("/help")[1]
    assert "Tic-tac-toe: players alternate" in said
    assert "a1 b1 c1" in said
    for name in ("mode", "compare", "simulations", "seconds", "hint", "undo", "new", "swap", "help", "quit"):
        assert f"\n/{name} " in said


def test_every_mode_toggles_and_plays(tmp_path, monkeypatch):
    for name in ("TRUTH_SECONDS", "DEFAULT_SECONDS"):  # that a busy machine proves as much
        monkeypatch.setattr(f"interfaces.session.{name}", 60.0)
    model = tiny_net(tmp_path / "net.safetensors")
    lines = [line for mode in ("search", "net", "value", "auto", "hybrid") for line in (f"/mode {mode}", "/hint")]
    flags = ("--model", model, "--mode", "net", "--simulations", 30)
    said = talk(*lines, "/mode auto", "b2", "/compare", "/mode", "/quit", "a1", flags=flags)
    hints = said[2:11:2]
    assert all(re.match(rf"/hint\nhint: {SUMMARY}\n", hint) for hint in hints)
    assert ["no search" in hint for hint in hints] == [False, True, False, False, False]
    assert re.search(r"(planned|the net was sure), \d of \d moves planned\n", said[12])
    compared = said[13].splitlines()[3:9]
    assert [line[:9].split()[-1] for line in compared] == ["search", "net", "value", "hybrid", "auto", "exact"]
    assert [line[0] for line in compared] == [" ", " ", " ", " ", "*", " "]
    truth = r"  ((win|loss) in \d plies|draw)$"
    assert all(re.search(rf"(\d+/\d+/\d+|plies|draw) +[\d,]+ +[\d.,]+{truth}", line) for line in compared)
    assert all(len(line) <= 100 for line in said[13].splitlines())
    assert "* auto" in said[14]
    assert len(said) == 16, "nothing is read after /quit"


def test_without_a_net_the_other_modes_are_explained(tmp_path):
    game = tmp_path / "plain.py"
    game.write_text((ROOT / "games" / "tictactoe.py").read_text())
    done = run_play(game, "--simulations", 20, typed="/mode net\n/mode\n/compare\n")
    assert done.code == 0
    assert "no net, mode search, 20 simulations a move" in done.out.splitlines()[0]
    assert "mode net needs a net" in done.out
    assert done.out.count("(no net)") == 4
    assert "the other modes need a net" in done.out


def test_compare_shows_the_truth_of_every_legal_move():
    said = talk("a1", "a2", "b1", "b2", "/compare", flags=("--mode", "search", "--side", "both", "--simulations", 200))
    lines = said[5].splitlines()
    start = lines.index("what the solver proves of each move within 1 s:")
    assert lines[start + 1] == "  win in 1 ply     c1"
    proven = " ".join(lines[start + 1 :])
    assert sorted(re.findall(r"\b[abc][123]\b", proven)) == ["a3", "b3", "c1", "c2", "c3"]
    best = next(line for line in lines if line.split()[:1] == ["exact"])
    assert best.split()[1] == "c1"
    assert best.endswith("  win in 1 ply")


def test_what_the_solver_cannot_prove_is_called_unknown_with_its_bounds(monkeypatch):
    unknown = {0: (0, 1), 1: (-1, 0), 2: (-1, 1), 3: (1, 1)}

    def truth(session, stop):
        return {
            action: Solution(*unknown.get(action, (-1, 1)), 5 if action == 3 else None, 9, 1.0)
            for action in session.position.legal()
        }

    monkeypatch.setattr("interfaces.session.Session.truth", truth)
    lines = talk("/compare")[1].splitlines()
    start = lines.index("what the solver proves of each move within 1 s:")
    assert lines[start + 1 : start + 5] == [
        "  win in 5 plies            a2",
        "  unknown (win or draw)     a1",
        "  unknown (nothing proven)  c1 b2 c2 a3 b3 c3",
        "  unknown (draw or loss)    b1",
    ]


def test_the_solver_is_a_mode_like_the_others():
    said = talk("/mode exact", "b2", "/simulations", "/hint", "/mode search", "/simulations", flags=("--mode", "exact"))
    assert "mode exact, 1 s a move" in said[0]
    assert "mode exact: the solver" in said[1]
    assert re.search(r"engine: \S+  proven draw  [\d,]+ nodes  \d+\.\d{3} s  pv", said[2])
    assert "1 s a move" in said[3]
    assert "proven draw" in said[4]
    over = talk("a1", "a2", "b1", "b2", "c1", "/hint", flags=("--mode", "exact", "--side", "both"))
    assert "the game is over (rules)" in over[6]
    compared = talk("/simulations 50", "/compare", flags=("--mode", "exact:seconds=2"))[2]
    assert "each mode with 50 simulations a move (exact: 1 s a move), values for the side to move:" in compared
    counted = talk("/simulations 50", "/mode search", "/simulations", flags=("--mode", "exact:seconds=2"))
    assert "mode exact, 2 s a move" in counted[0]
    assert "\n1 s a move" in counted[1]
    assert "\n50 simulations a move" in counted[3]


def test_what_the_engine_weighed_is_a_table():
    _, _, why, analysed, _ = talk("b2", "/why", "/analyse")
    for said in (why, analysed):
        lines = said.splitlines()
        assert lines[2].split() == ["move", "visits", "share", "prior", "Q", "win/draw/loss", "then"]
        visits = [int(line.split()[1].replace(",", "")) for line in lines[3:]]
        assert visits[0] == max(visits)
        assert lines[1].startswith(("engine: ", "search: "))
    moves = [line.split()[0] for line in why.splitlines()[3:]]
    assert sorted(moves) == ["a1", "a2", "a3", "b1", "b3", "c1", "c2", "c3"]
    assert moves[0] == why.splitlines()[1].split()[1]
    assert "has weighed no moves yet" in talk("/why")[1]
    assert "mode exact weighs no moves" in talk("/analyse", flags=("--mode", "exact"))[1]
    over = talk("a1", "a2", "b1", "b2", "c1", "/analyse", flags=("--mode", "search", "--side", "both"))
    assert "there is nothing to analyse" in over[6]


def test_the_coach_speaks_after_a_weak_move_alone():
    flags = ("--mode", "exact", "--side", "both")
    said = talk("/coach on", "b2", "b1", "/coach off", "c1", "/coach maybe", "/coach", flags=flags)
    assert "coach" not in said[2].replace("/coach", "")
    assert re.search(
        r"^coach: \S+ was better: proven draw( in \d plies)? rather than a proven loss in \d plies  pv", said[3], re.M
    )
    assert "coach" not in said[5]
    assert "/coach is on or off, not 'maybe'" in said[6]
    assert "coach off" in said[7]


def test_the_coach_knows_how_the_game_ended():
    said = talk("a1", "a2", "b1", "b2", "/coach on", "c2", "/undo", "c1", flags=("--mode", "exact", "--side", "both"))
    assert "coach: c1 was better: proven win in 1 ply rather than a proven " in said[6]
    assert "first wins" in said[8]
    assert "was better" not in said[8]


def test_saving_and_loading_keep_the_game(tmp_path):
    path = tmp_path / "games.txt"
    flags = ("--mode", "search", "--side", "both")
    said = talk(
        "/save", f"/save {path}", "b2", f"/save {path}", "a1", f"/save {path}", "/new", "c3", f"/save {path}",
        f"/load {path} 1", f"/load {path}", f"/load {path} 3", f"/load {path}x", flags=flags,
    )  # fmt: skip
    assert "say which file: /save games.txt" in said[1]
    assert "there is nothing to save" in said[2]
    assert f"saved in {path}: 2 moves" in said[6]
    assert path.read_text() == "# tictactoe\nb2 a1 *\nc3 *\n"
    assert f"game 1 of {path}, 2 moves" in said[10]
    assert "2  . x .\n1 (o). ." in said[10]
    assert "3  . .(x)" in said[11]
    assert f"{path} holds 2 games, no game 3" in said[12]
    assert "its ending names no format of games" in said[13] or "is not there" in said[13]


def test_an_engine_against_itself_steps_and_runs():
    flags = ("--mode", "search", "--simulations", 300, "--side", "none")
    typed = io.StringIO("\n\n/undo\n/swap\n/run\n/new\n")
    said = io.StringIO()
    with mock.patch("sys.stdin", typed), redirect_stdout(said):
        assert play.main(["tictactoe", *map(str, flags)]) == 0
    parts = re.split(r"(?:step|over)> ", said.getvalue())
    assert "the engine plays both sides: Enter is a move" in parts[0]
    assert [part.count("engine: ") for part in parts] == [0, 1, 1, 0, 0, parts[5].count("engine: "), 0, 0]
    assert parts[3].count("x") == 1
    assert "o" not in parts[3].removeprefix("/undo")
    assert "the engine plays both sides" in parts[4]
    assert parts[5].count("engine: ") >= 4
    assert re.search(r"(first wins|second wins|a draw); /new plays again", parts[5])
    assert BLANK in parts[6]
    assert "start with --side none" in talk("/run")[1]


def test_a_move_typed_for_an_engine_that_plays_both_sides_is_shown():
    said = run_play("tictactoe", "--mode", "search", "--side", "none", typed="b2\n").out
    assert "2  .(x)." in said.split("step> b2")[1]


def test_options_of_one_mode_leave_the_others_playing():
    said = talk("/compare", "/mode search", "b2", flags=("--mode", "hybrid:proof_nodes=50,value_pruning=0.1"))
    compared = said[1].partition("what the solver")[0]
    assert re.findall(r"^\*? +(\w+) +\w\d ", compared, re.M) == ["search", "net", "value", "hybrid", "auto", "exact"]
    assert re.search(rf"^engine: {SUMMARY}$", said[3], re.M)


def test_levels_leave_what_the_engine_says_alone():
    said = talk("/level", "/level 1", "a1", "/hint", "/mode search", "/level 11", "/level x", flags=("--level", 2))
    assert "level 2 (net:temperature=2)" in said[0]
    assert "level 2 (net:temperature=2)" in said[1]
    assert "level 1 (net:temperature=3)" in said[2]
    assert "no search" in said[3]
    assert "no search" not in said[4], "a hint is the mode's"
    assert "mode search: " in said[5]
    assert "a level is a whole number from 1, the weakest, to 10, not '11'" in said[6]
    assert "not 'x'" in said[7]
    with pytest.raises(TandemError, match="a level says mode and budget itself"):
        play.main(["tictactoe", "--level", "2", "--seconds", "1"])
