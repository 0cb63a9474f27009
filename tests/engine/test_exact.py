"""The exact solver against brute force, labels made by another solver, and its own budgets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.alphabeta import Stack, alpha_beta, new_table, parts
from engine.exact import Exact
from engine.position import Position
from games.compiler import kernel
from games.errors import TandemError
from games.loader import load
from games.rng import Random
from selfplay.labels import read_labels

LABELLED = Path(__file__).parent.parent / "data" / "connect4_dev.jsonl"
# Random plies before the position, so that plain Python reaches every end; without connect=4 the game orders no moves.
SMALL = {
    "tictactoe": 2,
    "connect4:rows=4,columns=4": 6,
    "connect4:rows=3,columns=4,connect=3": 3,
    "connect4:rows=4,columns=6": 14,
    "connect4:rows=6,columns=4": 13,
    "othello:size=6": 26,
    "gomoku:size=5": 17,
    "hex:size=3,swap=1": 2,
}


def scores(position: Position, known: dict[bytes, int]) -> int:
    """Plain negamax with distance, the definition that `Exact` is held to: sign * (MAX_PLIES + 1 - plies)."""
    identity = position.state.tobytes()
    if identity not in known:
        far = position.game.max_plies + 1
        if position.ended:
            known[identity] = far * int(position.outcome())
        else:
            best = -far
            for action in position.legal():
                position.play(action)
                child = scores(position, known)
                position.undo()
                best = max(best, -child + (child > 0) - (child < 0))
            known[identity] = best
    return known[identity]


@pytest.mark.parametrize(("spec", "plies"), SMALL.items())
def test_agrees_with_brute_force(spec: str, plies: int) -> None:
    game, rng, known = load(spec), Random(3), dict[bytes, int]()
    exact = Exact(game, memory=1 << 20)
    for _ in range(60):
        position = Position(game)
        for _ in range(plies + rng.below(5)):
            if not position.ended:
                position.play(position.legal()[rng.below(len(position.legal()))])
        score = scores(position, known)
        found = exact.solve(position)
        assert (found.value, found.plies) == (np.sign(score), game.max_plies + 1 - abs(score) if score else None)
        assert exact.solve(position, outcome_only=True).value == np.sign(score)
        if position.ended:
            continue
        for action, solution in exact.moves(position).items():
            position.play(action)
            child = scores(position, known)
            position.undo()
            assert solution.value == -np.sign(child)
            assert solution.plies == (game.max_plies + 1 - abs(child) + 1 if child else None)
        chosen = exact.run(position)
        assert chosen.proven == np.sign(score)
        position.play(chosen.action)
        child = scores(position, known)
        assert -child + (child > 0) - (child < 0) == score


def test_agrees_with_every_label() -> None:
    game, exact = load("connect4"), Exact(load("connect4"))
    late = [label for label in read_labels(game, LABELLED) if label.position.ply >= 20]
    assert len(late) > 300
    for label in late:
        found = exact.moves(label.position, outcome_only=True)
        assert {action: solution.value for action, solution in found.items()} == label.values


@pytest.mark.slow
def test_agrees_with_earlier_labels() -> None:
    game, exact = load("connect4"), Exact(load("connect4"), memory=1 << 30)
    for label in read_labels(game, LABELLED):
        if 12 <= label.position.ply < 20:
            found = exact.moves(label.position, outcome_only=True)
            assert {action: solution.value for action, solution in found.items()} == label.values


def test_keepers_are_the_moves_that_keep_the_outcome() -> None:
    game = load("connect4")
    stack, table = Stack(game), new_table(game, 16 << 20)
    inner = parts(game).keepers

    @kernel(game)
    def keepers(*arguments: Any) -> Any:
        return inner(*arguments)

    actions, keeps = np.zeros(game.max_legal, np.int32), np.zeros(game.max_legal, np.uint8)
    for label in read_labels(game, LABELLED):
        if label.position.ply < 20:
            continue
        stack.control[:] = 0
        outcome = keepers(
            label.position.state, 0, label.position.ply, 2**40, table, stack.states, stack.words, stack.moves,
            stack.frames, stack.control, actions, keeps,
        )  # fmt: skip
        assert outcome == label.best
        kept = {int(a) for a, keep in zip(actions[: len(label.values)], keeps, strict=False) if keep}
        assert kept == {action for action, value in label.values.items() if value == label.best}


def test_out_of_budget_it_says_what_is_proven_and_no_more() -> None:
    game = load("connect4")
    exact = Exact(game, memory=1 << 20, early=False)
    found = exact.solve(Position(game), nodes=2000)
    assert (found.value, found.plies) == (None, None)
    assert found.nodes <= 2000
    chosen = exact.run(Position(game), nodes=500)
    assert chosen.proven is None
    assert chosen.value_text() == "unknown"
    assert chosen.action == 3  # the one it would look at first
    assert exact.solve(Position(game), seconds=0.05).seconds < 1
    assert exact.solve(Position(game), stop=lambda: True).nodes == 0


def test_out_of_budget_it_plays_what_it_has_proven() -> None:
    """Whatever the budget: a move that is right as far as the result says; and no worse than what was proven before."""
    game, cut = load("connect4"), 0
    for label in read_labels(game, LABELLED):
        if not 14 <= label.position.ply <= 24:
            continue
        for nodes in (300, 3000, 30_000):
            found = Exact(game, memory=1 << 16).run(label.position, nodes=nodes)
            cut += found.proven is None or bool(np.isnan(found.proofs).all())
            if found.proven is not None:
                assert label.values[found.action] == label.best == found.proven
            assert found.bounds[0] <= label.best <= found.bounds[1]
            assert label.values[found.action] >= found.bounds[0]
    assert cut > 100


def test_a_budget_is_shared_out_among_the_moves() -> None:
    game = load("connect4")
    for label in [x for x in read_labels(game, LABELLED) if x.position.ply in (14, 16)][:20]:
        exact = Exact(game, memory=1 << 22)
        found = exact.moves(label.position, nodes=20_000)
        assert sum(s.nodes for s in found.values()) <= 20_000
        assert all(s.nodes > 0 or s.value is not None for s in found.values())
        for action, s in found.items():
            assert s.lower <= label.values[action] <= s.upper
            assert s.line[0] == game.format_action(label.position.state, action)
        whole = exact.moves(label.position)
        assert {a: s.value for a, s in whole.items()} == label.values


def test_a_paused_search_goes_on_where_it_was() -> None:
    game = load("connect4")
    position = Position.from_moves(game, list("444444323222"))
    whole, stack, table = Exact(game).solve(position, outcome_only=True), Stack(game), new_table(game, 64 << 20)
    stack.begin(position.state, position.ply, 0, 1)
    while not alpha_beta(game).search(table, stack.states, stack.words, stack.moves, stack.frames, stack.control, 37):
        pass
    assert whole.value is not None
    assert (int(stack.control[3]) > 0) == (whole.value > 0)


def test_repeating_games_are_refused(tmp_path: Path) -> None:
    source = (Path("games") / "tictactoe.py").read_text(encoding="utf-8") + "\nREPETITION = 3\n"
    path = tmp_path / "again.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(TandemError, match="exact cannot play again"):
        Exact(load(str(path)))
