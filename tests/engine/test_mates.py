"""The mates in two that benchmarks/mates.py counts: each proven again, some by python-chess too."""

import chess
import pytest

from benchmarks.mates import PROBLEMS, main, make_problems, only_key, quiet, read_problems
from games.chess_text import board_of
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from players.choice import Choice

GAME = load("chess")
ALL = read_problems(GAME, PROBLEMS)


def test_there_are_a_hundred_of_each_kind_and_no_two_alike():
    assert [problem.quiet for problem in ALL].count(True) == 100
    assert len(ALL) == 200
    seen = set()
    for problem in ALL:
        for ply in (0, 1):
            state = problem.position.state.copy()
            state["ply"] = ply
            seen.add(min(image.tobytes() for image in rules(GAME).images(state)))
    assert len(seen) == 400


def test_every_key_is_the_only_one():
    for problem in ALL:
        assert only_key(GAME, problem.position.state) == GAME.parse_action(problem.position.state, problem.key)
        board = board_of(GAME.record(problem.position.state))
        move = board.parse_san(problem.key)
        assert quiet(problem.key) == (not board.is_capture(move) and not board.gives_check(move))


def mates(board: chess.Board) -> bool:
    """Whether some move mates at once."""
    for move in board.legal_moves:
        board.push(move)
        mated = board.is_checkmate()
        board.pop()
        if mated:
            return True
    return False


def keys(board: chess.Board) -> list[str]:
    """The moves that mate in two, by python-chess alone."""
    found = []
    for move in list(board.legal_moves):
        san = board.san(move)
        board.push(move)
        answers, forced = list(board.legal_moves), True
        for answer in answers:
            board.push(answer)
            forced = mates(board)
            board.pop()
            if not forced:
                break
        board.pop()
        if answers and forced:
            found.append(san)
    return found


@pytest.mark.parametrize("number", range(0, 200, 40))
def test_python_chess_finds_the_same(number):
    board = board_of(GAME.record(ALL[number].position.state))
    assert not mates(board)
    assert keys(board) == [ALL[number].key]


@pytest.mark.slow
def test_python_chess_finds_the_same_in_all():
    for problem in ALL:
        board = board_of(GAME.record(problem.position.state))
        assert not mates(board)
        assert keys(board) == [problem.key]


@pytest.mark.parametrize(
    ("fen", "key"),
    [
        ("7k/8/5K2/8/8/8/8/5Q2 w - - 0 1", None),  # several mate in two
        ("7k/5Q2/6K1/8/8/8/8/8 w - - 0 1", None),  # one mates at once
        ("7k/8/8/8/8/8/8/K6Q b - - 0 1", None),
    ],
)
def test_what_is_no_problem(fen, key):
    assert only_key(GAME, GAME.from_text(fen)) == key


def test_problems_are_made_of_games_each_once(tmp_path):
    text = "1. e4 e5 2. Bc4 Bc5 3. Qh5 Nf6 4. Qxf7# 1-0\n\n"
    problem = ALL[0]
    board = board_of(GAME.record(problem.position.state))
    mirrored = board.mirror()
    for one in (board, board, mirrored, board.transform(chess.flip_horizontal)):
        text += f'[FEN "{one.fen()}"]\n[Result "*"]\n\n{one.san(next(iter(one.legal_moves)))} *\n\n'
    (tmp_path / "games.pgn").write_text(text)
    made = list(make_problems(GAME, tmp_path / "games.pgn"))
    assert made == [f"{board.epd(en_passant='legal')} bm {problem.key}; dm 2;"]


class Knows:
    """A player that knows the keys of all but the second problem, and there plays the first other move."""

    def choose(self, position):
        number = [problem.position.state.tobytes() for problem in ALL].index(position.state.tobytes())
        key = GAME.parse_action(position.state, ALL[number].key)
        return Choice(next(a for a in position.legal() if a != key) if number == 1 else key, None)

    def new_game(self):
        pass

    def close(self):
        pass


def test_a_player_is_counted(tmp_path, capsys, monkeypatch):
    path = tmp_path / "some.epd"
    path.write_text("".join(PROBLEMS.read_text().splitlines(keepends=True)[:3]))
    monkeypatch.setattr("benchmarks.mates.make_player", lambda game, spec: Knows())
    assert main(["search", "--problems", str(path)]) == 0
    said = capsys.readouterr().out
    assert "search:seconds=2, mates in two" in said
    assert "  all                   2 of    3   66.7% (20.8% to 93.9%)" in said


@pytest.mark.parametrize("line", ["", "7k/8/8/8/8/8/8/K6Q w - - bm Qh7", "8/8/8/8/8/8/8/8 w - - bm Qh7; dm 2;"])
def test_what_is_no_file_of_problems_is_refused(line, tmp_path):
    (tmp_path / "a.epd").write_text(f"{line}\n")
    with pytest.raises(TandemError):
        read_problems(GAME, tmp_path / "a.epd")
    with pytest.raises(TandemError, match="cannot read"):
        read_problems(GAME, tmp_path / "none.epd")
