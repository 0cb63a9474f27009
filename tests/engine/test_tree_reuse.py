"""What a search keeps for the next move: exactly the subtree that was played into, or nothing."""

import random

import pytest

from engine.position import Position
from games.loader import load
from tests.engine.helpers import OTHERS, lines_of, oracle, searcher, tree_of

SETTINGS = [{"mode": "search"}, {"mode": "hybrid"}, {"mode": "hybrid", "leaves": 8}, {"mode": "auto", "threshold": 1}]


def most_visited(nodes, node):
    first = int(nodes[node]["first_child"])
    children = nodes[first : first + int(nodes[node]["child_count"])]
    return int(children["action"][children["visits"].argmax()])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["connect4", "tictactoe", *OTHERS])
def test_the_kept_tree_is_the_old_subtree(name, settings, threads):
    game = load(name)
    search = searcher(game, **settings, threads=threads, early_stop=False)
    position = Position(game)
    for _ in range(3):
        result = search.run(position, simulations=400 * threads)
        before = [lines_of(tree_of(search, i)) for i in range(threads)]
        reply = max(
            (line for line in before[0] if len(line) == 2 and line[0] == result.action), key=lambda k: before[0][k]
        )
        position.play(reply[0])
        position.play(reply[1])
        search.start(position)
        for i in range(threads):
            kept = {line[2:]: numbers for line, numbers in before[i].items() if line[:2] == reply}
            if kept[()][6]:  # has children
                assert lines_of(tree_of(search, i)) == kept
            else:
                assert tree_of(search, i)[0]["visits"] == 0
    assert len(lines_of(tree_of(search))) > 1


def test_a_search_goes_on_where_it_was():
    """Searching one position twice is searching it longer."""
    game = load("connect4")
    for mode in ("search", "hybrid"):
        once, twice = (searcher(game, mode, early_stop=False, leaves=1) for _ in range(2))
        once.run(Position(game), simulations=1024)
        for _ in range(2):
            twice.run(Position(game), simulations=512)
        assert lines_of(tree_of(once)) == lines_of(tree_of(twice))


def changed(position):
    """Positions that do not continue `position`, by name."""
    game, other, shorter = position.game, Position(position.game), position.copy()
    for action in [*position.actions[:-1], (position.actions[-1] + 1) % game.actions]:
        other.play(action)
    shorter.undo()
    elsewhere = Position.from_text(game, game.to_text(position.state))
    return {"another move": other, "taken back": shorter, "another start": elsewhere, "new game": Position(game)}


@pytest.mark.parametrize("which", ["another move", "taken back", "another start", "new game"])
def test_a_different_game_starts_afresh(which):
    game = load("connect4")
    search = searcher(game, early_stop=False)
    position = Position.from_moves(game, list("443"))
    search.run(position, simulations=300)
    fresh = changed(position)[which]
    search.start(fresh)
    assert tree_of(search)["visits"].tolist() == [0]
    assert search.run(fresh, simulations=300).visits.sum() == 300


def test_what_drops_the_tree():
    game = load("connect4")
    for settings, plies, kept in [({}, 1, True), ({"draw_value": 0.5}, 1, False), ({"draw_value": 0.5}, 2, True)]:
        search, position = searcher(game, **settings), Position(game)
        search.run(position, simulations=2000)
        for _ in range(plies):
            position.play(3)
        search.start(position)
        assert (int(tree_of(search)[0]["visits"]) > 0) is kept
    search, position = searcher(game, reuse=False), Position(game)
    search.run(position, simulations=2000)
    search.start(position)
    assert tree_of(search)[0]["visits"] == 0


def test_values_stay_true_over_reused_trees():
    """Whole games on one tree each: every claim along the way holds against brute force."""
    game, choose = load("tictactoe"), random.Random(2)
    proven = 0
    for seed in range(30):
        search, position = searcher(game, choose.choice(["search", "hybrid"]), seed), Position(game)
        while not position.ended:
            if choose.random() < 0.4:
                position.play(choose.choice(position.legal()))
                continue
            result = search.run(position, simulations=choose.choice([1, 5, 60, 400]))
            assert result.action in position.legal()
            if result.proven is not None:
                assert result.proven == oracle(position)[0]
                proven += 1
            position.play(result.action)
    assert proven > 30
