"""Games to files and back, for every game; files that hold something else."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.gamefile import FORMATS, PlayedGame, read_games, serialise
from engine.position import Position
from games import movelist
from games.errors import TandemError
from games.loader import load

GAMES = [
    *("tictactoe", "connect4", "breakthrough:size=6", "othello", "othello:size=6", "gomoku:size=5"),
    *("hex:size=5", "hex:size=3,swap=1", "hex:size=4,swap=1", "chess"),
]


def random_game(spec: str, seed: int, plies: int) -> Position:
    position, rng = Position(load(spec)), random.Random(seed)
    while not position.ended and position.ply < plies:
        position.play(rng.choice(position.legal()))
    return position


@pytest.mark.parametrize("spec", GAMES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plays=st.lists(st.tuples(st.integers(0, 2**32), st.integers(1, 200)), min_size=1, max_size=4))
def test_every_game_is_read_back_as_it_was_written(spec, plays, tmp_path):
    positions = [random_game(spec, *play) for play in plays]
    forms = {ending: form for ending, form in FORMATS.items() if form.serves(load(spec))}
    own = {"othello": ".sgf", "gomoku": ".sgf", "hex": ".sgf", "chess": ".pgn"}.get(spec.partition(":")[0])
    assert set(forms) == {".txt"} | ({own} if own else set())
    for ending, form in forms.items():
        path = tmp_path / f"games{ending}"
        path.write_bytes(b"".join(serialise(form, position, ("one", "two")) for position in positions))
        found = list(read_games(load(spec), path))
        assert [game.position.actions for game in found] == [position.actions for position in positions]
        outcomes = [int(position.first_player_outcome()) if position.ended else None for position in positions]
        assert [game.outcome for game in found] == outcomes
        assert found[-1].end == len(path.read_bytes().rstrip()) + {".txt": 1, ".pgn": 2}.get(ending, 0)


LINES = """# connect4, with all that a line may have

4 4 3 5 2 6 1
1 2 1 2 1 2 1  # four upright
4 4 1-0
4 4 1/2-1/2 # agreed
1 2 *
"""


def test_a_move_list_may_have_results_and_comments(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode())
    found = [(game.position.ply, game.outcome) for game in read_games(load("connect4"), tmp_path / "a.txt")]
    assert found == [(7, 1), (7, 1), (2, 1), (2, 0), (2, None)]


@pytest.mark.parametrize(
    ("spec", "name", "data", "words"),
    [
        ("connect4", "a.txt", b"4 4\n1 1 1 1 1 1 1\n2", "a.txt: game 2 (line 2), move 7: illegal move 1; legal: 2 3 4"),
        ("connect4", "a.txt", b"4 x", "game 1 (line 1), move 2: 'x' is no column"),
        ("connect4", "a.txt", b"1 2 1 2 1 2 1 2", "game 1 (line 1), move 8: '2' comes after the end (rules)"),
        ("connect4", "a.txt", b"4\n" + b"9" * 5000, "game 2 (line 2), move 1: '999"),
        ("connect4", "a.txt", b"4\n\x00\x01\x02", "a.txt: line 2 is no text; give one game a line"),
        ("connect4", "a.txt", b"4\n\xff\xfe", "line 2 is no text"),
        ("connect4", "a.txt", b"4 " * (1 << 20), "line 1 is over 1,048,576 bytes long; give one game a line"),
        ("othello", "a.sgf", b"(;GM[2];B[f5];W[f5])", "a.sgf: game 1, move 2: illegal move f5; legal: f4 d6 f6"),
        (
            "othello",
            "a.sgf",
            b"(;GM[2];B[f5];W[zz])",
            "game 1, move 2: 'zz' is no cell: write a column a-h and a row 1-8",
        ),
        ("othello", "a.sgf", b"(;GM[2];B[\x1b])", "game 1, move 1: '?' is no cell"),
        ("othello", "a.sgf", b"\x89PNG\r\n\x1a\n" * 99, "a.sgf: no SGF: a game of it begins with (;"),
        ("gomoku:size=5", "a.sgf", b"(;GM[4];B[aa];W[])", "game 1, move 2: a pass, which gomoku does not have"),
        ("gomoku", "a.txt", b"# gomoku:size=9\ne5 e6 1-0", "line 1: it holds games of gomoku:size=9, not of gomoku"),
        ("gomoku:size=5", "a.sgf", b"(;GM[4];B[ag])", "game 1, move 1: 'ag' is no cell: write a column a-e"),
    ],
)
def test_what_is_wrong_is_named_by_file_game_and_move(spec, name, data, words, tmp_path: Path):
    (tmp_path / name).write_bytes(data)
    found = [str(game) for game in read_games(load(spec), tmp_path / name) if isinstance(game, TandemError)]
    assert len(found) == 1
    assert words in found[0]
    assert "\n" not in found[0]


def test_a_broken_game_does_not_hide_the_next(tmp_path: Path):
    (tmp_path / "a.sgf").write_text("(;GM[2];B[a1])(;GM[2];B[f5])")
    broken, sound = read_games(load("othello"), tmp_path / "a.sgf")
    assert isinstance(broken, TandemError)
    assert isinstance(sound, PlayedGame)


@pytest.mark.parametrize(
    ("spec", "name", "words"),
    [
        ("connect4", "none.txt", "none.txt is not there"),
        ("connect4", ".", "is a folder; name the files in it"),
        ("connect4", "a.sgf", "a.sgf: connect4 has no SGF; records of connect4 end in .txt (move lists)"),
        ("hex:size=5", "a.pgn", "a.pgn: hex:size=5 has no PGN; records of hex end in .sgf (SGF) or .txt"),
        ("chess", "a.sgf", "a.sgf: chess has no SGF; records of chess end in .pgn (PGN) or .txt (move lists)"),
        ("hex:size=5", "a.dat", "its ending names no format of games; records of hex end in .sgf (SGF) or .txt"),
        ("hex:size=5", "a", "its ending names no format of games"),
    ],
)
def test_what_is_no_file_of_games_is_refused(spec, name, words, tmp_path: Path):
    for file in ("a.sgf", "a.pgn", "a.dat", "a"):
        (tmp_path / file).write_text("(;B[a1])")
    with pytest.raises(TandemError) as refused:
        list(read_games(load(spec), tmp_path / name))
    assert words in str(refused.value)


def test_an_empty_file_has_no_games(tmp_path: Path):
    for name in ("a.sgf", "a.txt"):
        (tmp_path / name).touch()
        assert not list(read_games(load("hex:size=5"), tmp_path / name))


def test_games_come_before_the_file_is_read_to_its_end(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"1 2 3\n" * 1_000_000)
    (tmp_path / "a.sgf").write_bytes(b"(;B[a1])\n" * 1_000_000)
    began = time.monotonic()
    assert next(read_games(load("connect4"), tmp_path / "a.txt")).end == 6
    assert next(read_games(load("hex:size=5"), tmp_path / "a.sgf")).end == 8
    assert time.monotonic() - began < 1


def test_moves_that_would_not_be_read_back_are_not_written():
    for move in ("1-0", "#a", "a b", ""):
        with pytest.raises(TandemError, match="does not fit a move list"):
            movelist.serialise([move], None)


START = "4k3/8/8/8/8/8/4P3/4K3 b - - 3 40"


def write(path: Path, *games: tuple[list[str], str]) -> Path:
    """Games of chess from START, moves and result of each."""
    tags = f'[Result "{{}}"]\n[FEN "{START}"]\n\n{{}}\n\n'
    path.write_text("".join(tags.format(result, " ".join(moves)) for moves, result in games))
    return path


def test_a_game_may_begin_at_a_position_of_its_own(tmp_path: Path):
    (found,) = read_games(load("chess"), write(tmp_path / "a.pgn", (["Ke7", "e4", "Ke6"], "1-0")))
    position = found.position
    assert (position.moves_text(), found.outcome) == (["e8e7", "e2e4", "e7e6"], -1)
    assert load("chess").to_text(position.start) == START
    again = Position.from_text(load("chess"), START)
    for move in position.moves_text():
        again.play_text(move)
    assert (again.keys, again.actions) == (position.keys, position.actions)
    assert [state.tobytes() for state in again.states] == [state.tobytes() for state in position.states]
    with pytest.raises(TandemError, match=r"move lists hold games from the first position alone; record to \.pgn"):
        serialise(FORMATS[".txt"], position, ("", ""))


SHUFFLE = ["Kd8", "Kd1", "Ke8", "Ke1"] * 2


@pytest.mark.parametrize(
    ("moves", "result", "ended", "outcome"),
    [
        (SHUFFLE, "1-0", "repetition", -1),  # nobody claimed it, and somebody resigned
        (SHUFFLE, "*", "repetition", 0),
        ([*SHUFFLE, "Kf8"], "0-1", "", 1),
        ([*SHUFFLE, "Kf8"], "*", "", None),
        (["Kd7", "e4", "Kd6", "e5+", "Kxe5"], "1-0", "rules", 0),  # bare kings, whatever the file says
    ],
)
def test_draws_that_nobody_claimed_do_not_end_a_game(moves, result, ended, outcome, tmp_path: Path):
    (found,) = read_games(load("chess"), write(tmp_path / "a.pgn", (moves, result)))
    assert (found.position.ply, found.position.ended, found.outcome) == (len(moves), ended, outcome)


def test_what_is_wrong_has_a_kind_and_does_not_hide_the_next(tmp_path: Path):
    path = write(tmp_path / "a.pgn", (["Ke4"], "*"), (["Kd7", "e4", "Kd6", "e5+", "Kxe5", "Kd1"], "*"), (["Kd7"], "*"))
    *broken, sound = read_games(load("chess"), path)
    assert [error.kind for error in broken] == ["an illegal move", "moves after the end"]
    assert str(broken[0]).endswith("a.pgn: game 1 (line 1): move 40... 'Ke4' is illegal")
    assert isinstance(sound, PlayedGame)


def test_the_actions_of_a_position_are_checked():
    game = load("connect4")
    assert Position.from_actions(game, Position(game).start, [3, 3, 4]).moves_text() == ["4", "4", "5"]
    with pytest.raises(TandemError, match="illegal move 1; legal: 2 3"):
        Position.from_actions(game, Position(game).start, [0, 0, 0, 0, 0, 0, 0, 5])


@pytest.mark.parametrize("spec", ["chess", "othello", "connect4"])
def test_reading_goes_on_at_any_game(spec, tmp_path: Path):
    positions = [random_game(spec, seed, 30) for seed in range(5)]
    for ending, form in FORMATS.items():
        if not form.serves(load(spec)):
            continue
        path = tmp_path / f"games{ending}"
        path.write_bytes(form.heading(load(spec)).encode() + b"".join(serialise(form, p, ("", "")) for p in positions))
        whole = list(read_games(load(spec), path))
        for number, game in enumerate(whole, 1):
            rest = [found.position.actions for found in read_games(load(spec), path, game.end)]
            assert rest == [position.actions for position in positions[number:]]
