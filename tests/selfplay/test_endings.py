"""Labelled endings that ship, against OpenSpiel's Othello and a plain minimax; what a run says of them."""

from typing import Any

import pyspiel
import pytest

from games.loader import load
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay import strength
from selfplay.labels import known_labels, labelled_file

EMPTY = 8  # cells at most, of the positions that are solved anew


@pytest.mark.parametrize("spec", ["othello", "othello:size=6"])
def test_endings_ship_and_are_endings(spec: str) -> None:
    labels = known_labels(load(spec))
    assert labelled_file(load(spec)) is not None
    assert len(labels) == 300
    assert all(label.decisive and label.position.ply > strength.ENDINGS for label in labels)


def first_players_best(state: Any, low: float = -1, high: float = 1) -> float:
    """The first player's return under perfect play from an OpenSpiel state."""
    if state.is_terminal():
        return state.returns()[0]
    first = state.current_player() == 0
    for action in state.legal_actions():
        value = first_players_best(state.child(action), low, high)
        low, high = (max(low, value), high) if first else (low, min(high, value))
        if low >= high:
            break
    return low if first else high


def test_every_outcome_is_minimax_s_on_other_rules() -> None:
    reference, solved = pyspiel.load_game("othello"), 0
    for label in known_labels(load("othello")):
        state = reference.new_initial_state()
        for action in label.position.actions:
            state.apply_action(int(action))
        if str(state).count("-") > EMPTY:
            continue
        sign = 1 if state.current_player() == 0 else -1
        values = {action: sign * first_players_best(state.child(action)) for action in state.legal_actions()}
        assert label.values == values, label.position.text()
        solved += 1
    assert solved > 50


def test_a_run_says_how_it_plays_endings_and_how_it_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "PAIRS", 1)
    monkeypatch.setattr(strength, "OPPONENT_SIMULATIONS", 20)
    monkeypatch.setattr(strength, "SAMPLE", 20)
    game = load("othello:size=6")
    found = strength.measure(game, TorchEvaluator(build(NetConfig.parse("mlp:16"), game)), seed=1)
    assert found is not None
    assert found.score is not None
    assert (found.games, found.positions) == (2, 20)
    assert str(found).startswith(
        f"hybrid:100 scores {found.score:.0%} of 2 against search:20; right moves (regret) in "
    )
    assert found.brief() == f"score {found.score:.0%}, endings {found.kept['hybrid:100']:.0%}"
    assert {"strength/score", "truth/kept_net", "truth/value_error"} <= found.scalars().keys()
