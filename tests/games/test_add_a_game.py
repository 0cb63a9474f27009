"""The guide to a game of one's own: its code is the whole game, which holds, is short, and has the known winners."""

import re
from pathlib import Path

import pytest

from engine.exact import Exact
from engine.position import Position
from games.check import check
from games.errors import TandemError
from games.loader import load
from games.rules import rules
from selfplay.command import parser

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "add-a-game.md").read_text(encoding="utf-8")
FILE = ROOT / "docs" / "domineering.py"
GAME = FILE.read_text(encoding="utf-8")


def lines(code):
    return [line for line in code.splitlines() if line.strip()]


def test_the_pieces_are_the_file():
    assert lines("\n".join(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))) == lines(GAME)


def test_the_file_is_short_and_plain():
    assert len(GAME.splitlines()) < 120
    assert "@" not in GAME
    assert re.findall(r"^(?:import|from) (\S+)", GAME, re.MULTILINE) == ["numpy", "games.bits"]


@pytest.mark.parametrize("size", [2, 5, 8])
def test_the_kit_finds_nothing(size):
    assert check(load(f"{FILE}:size={size}"), games=3).findings == []


def test_what_the_kit_says_in_the_guide():
    """The size that the file says by itself."""
    report = check(load(str(FILE)))
    assert f"perft {' '.join(map(str, report.perft))}\n" in GUIDE
    assert f"domineering: all checks hold, {report.games} random games, {report.positions} positions\n" in GUIDE


def test_the_complaint_in_the_guide(tmp_path):
    path, call = tmp_path / FILE.name, "append_bits(out, 0, free & (free >> U(SIZE)), 0)"
    path.write_text(GAME.replace(call, "append_bits(out, 0, free, 0)"), encoding="utf-8")
    with pytest.raises(TandemError) as caught:
        load(str(path))
    assert f"\n{caught.value}\n" in GUIDE


# Who wins on n x n: Breuker, Uiterwijk and van den Herik, Solving 8x8 Domineering, 2000.
WINNERS = {2: 1, 3: 1, 4: 1, 5: -1}


@pytest.mark.parametrize("size", WINNERS)
def test_known_winners(size):
    game = load(f"{FILE}:size={size}")
    assert len(Position(game).legal()) == size * (size - 1)
    assert Exact(game).solve(Position(game), outcome_only=True).value == WINNERS[size]


def placements(size, dominoes):
    """Ways to lay that many dominoes in turn, by brute force over sets of cells."""

    def count(free, left, upright):
        if not left:
            return 1
        pairs = [{(r, c), (r + upright, c + 1 - upright)} for r, c in free]
        return sum(count(free - pair, left - 1, not upright) for pair in pairs if pair <= free)

    return count({(r, c) for r in range(size) for c in range(size)}, dominoes, True)


@pytest.mark.parametrize(("size", "depth"), [(2, 2), (3, 4), (4, 5), (6, 3)])
def test_counts(size, depth):
    game = load(f"{FILE}:size={size}")
    assert rules(game).perft(rules(game).first(), depth) == placements(size, depth)


def test_the_refused_size_names_the_range():
    with pytest.raises(TandemError, match="size 2-8"):
        load(f"{FILE}:size=9")


def test_moves_are_named_for_both_players():
    position = Position.from_moves(load(f"{FILE}:size=3"), ["a3"])
    assert sorted(position.legal_text().split()) == ["a1", "b1", "b2", "b3"]
    position.play_text("b2")
    assert position.game.to_text(position.state) == "#../###/..."
    assert (position.ended, position.first_player_outcome()) == ("rules", -1)


@pytest.mark.parametrize("command", re.findall(r"^python (.+)$", GUIDE, re.MULTILINE))
def test_commands_name_what_exists(command):
    words = command.split()
    target = words[1].replace(".", "/") + ".py" if words[0] == "-m" else words[0]
    assert (ROOT / target).is_file()
    assert any(word.startswith("domineering.py") for word in words)
    if words[0] == "train.py":
        parser().parse_args(words[1:])
