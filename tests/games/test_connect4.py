"""Connect Four's other objectives, against plain Python that knows no bitboards: outcomes, proofs and what stays."""

from itertools import product

import numpy as np
import pytest

from engine.exact import Exact
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import load
from games.rng import Random
from nets.modelfile import read_header
from nets.models import FOLDER
from selfplay.labels import solved_labels

OBJECTIVES = ("misere=1", "drawn=1", "misere=1,drawn=1")
ODD, SMALL, LARGER = "rows=3,columns=3,connect=3", "rows=3,columns=4,connect=3", "rows=4,columns=4"


def has_line(columns, stone, connect):
    """Whether `connect` stones of one kind stand in a row somewhere; columns are texts from the bottom up."""
    for c, r in product(range(len(columns)), range(max(map(len, columns)))):
        for dc, dr in ((0, 1), (1, 0), (1, 1), (1, -1)):
            cells = [(c + k * dc, r + k * dr) for k in range(connect)]
            if all(0 <= x < len(columns) and 0 <= y < len(columns[x]) and columns[x][y] == stone for x, y in cells):
                return True
    return False


def first_players_score(game, text, known):
    """Plain minimax from the first player's side: the outcome times one more than the plies that are then left."""
    if text not in known:
        p, columns = game.parameters, text.split("/")
        rows, connect = p["rows"], p["connect"]
        played = sum(map(len, columns))
        last, left = "ox"[played % 2], game.max_plies - played + 1
        if has_line(columns, last, connect):
            known[text] = left * (1 if last == "x" else -1) * (-1 if p.get("misere") else 1)
        elif played == game.max_plies:
            known[text] = -left if p.get("drawn") else 0
        else:
            best = max if last == "o" else min
            known[text] = best(
                first_players_score(game, "/".join([*columns[:c], column + "xo"[played % 2], *columns[c + 1 :]]), known)
                for c, column in enumerate(columns)
                if len(column) < rows
            )
    return known[text]


def mover_score(position, known):
    score = first_players_score(position.game, position.game.to_text(position.state), known)
    return score if position.ply % 2 == 0 else -score


def hold(exact, position, known):
    """What the solver says of a position and of its moves is what minimax says, distances included."""
    game, score = position.game, mover_score(position, known)

    def plies(of):
        return game.max_plies + 1 - abs(of) - position.ply if of else None

    found = exact.solve(position)
    assert (found.value, found.plies) == (np.sign(score), plies(score)), position.moves_text()
    assert exact.solve(position, outcome_only=True).value == np.sign(score)
    for action, solution in exact.moves(position).items():
        position.play(action)
        after = -mover_score(position, known)
        position.undo()
        assert (solution.value, solution.plies) == (np.sign(after), plies(after)), position.moves_text()


@pytest.mark.parametrize(("board", "objective"), list(product((ODD, SMALL), OBJECTIVES)))
def test_every_position_is_solved_right(board, objective):
    game, known = load(f"connect4:{board},{objective}"), {}
    exact = Exact(game, memory=1 << 20)
    labels = solved_labels(game)
    assert len(labels) > 200
    for label in labels:
        score = mover_score(label.position, known)
        assert label.best == np.sign(score)
        hold(exact, label.position, known)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_positions_of_a_larger_board_are_solved_right(objective):
    game, rng, known = load(f"connect4:{LARGER},{objective}"), Random(4), {}
    exact = Exact(game, memory=1 << 20)
    for _ in range(60):
        position = Position(game)
        for _ in range(8 + rng.below(8)):
            if not position.ended:
                position.play(position.legal()[rng.below(len(position.legal()))])
        if not position.ended:
            hold(exact, position, known)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_search_proves_nothing_wrong(objective):
    game, known = load(f"connect4:{SMALL},{objective}"), {}
    proven = 0
    for i, label in enumerate(solved_labels(game)[::40]):
        result = Search(game, Settings("search", seed=i)).run(label.position, simulations=300)
        assert result.proven in (None, np.sign(mover_score(label.position, known)))
        for action, proof in zip(result.actions, result.proofs, strict=True):
            assert np.isnan(proof) or proof == label.values[int(action)]
        proven += result.proven is not None
    assert proven > 50


LINE, FULL_ODD, FULL_EVEN = "12121", "233223111", "223334442111"  # by the first player; none, on nine and twelve cells


@pytest.mark.parametrize(
    ("board", "moves", "outcomes"),
    [(ODD, LINE, (-1, 1, -1, 1)), (ODD, FULL_ODD, (0, 0, 1, 1)), (SMALL, FULL_EVEN, (0, 0, -1, -1))],
)
def test_ends(board, moves, outcomes):
    """What an end is worth to the player to move under the usual objective, misere, drawn and both."""
    for objective, outcome in zip(("misere=0", *OBJECTIVES), outcomes, strict=True):
        position = Position.from_moves(load(f"connect4:{board},{objective}"), list(moves))
        assert position.ended
        assert position.outcome() == outcome


def test_the_usual_objective_is_the_game_that_models_know():
    game = load("connect4")
    assert dict(game.parameters) == {"rows": 6, "columns": 7, "connect": 4}
    assert game.rules_id == read_header(FOLDER / "connect4.safetensors").rules_id
    assert game.best_first is not None
    said = load("connect4:misere=0,drawn=0")
    assert (said.spec, said.rules_id, dict(said.parameters)) == (game.spec, game.rules_id, dict(game.parameters))
    others = [load(f"connect4:{objective}") for objective in OBJECTIVES]
    assert len({other.rules_id for other in (game, *others)}) == 4
    assert [other.spec for other in others] == ["connect4:misere=1", "connect4:drawn=1", "connect4:drawn=1,misere=1"]
    assert all(other.best_first is None for other in others), "its tricks are those of the usual objective"
