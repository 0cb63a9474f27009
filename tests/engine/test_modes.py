"""What each mode plays, against the same written out by hand over a fake net."""

import random

import numpy as np
import pytest

from engine.modes import MODES
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.errors import TandemError
from games.loader import load
from tests.engine.helpers import OTHERS, SMALL, FakeNet, after, ask, random_position, searcher

GAMES = ["tictactoe", "connect4"]


def positions(name, count, most=6):
    game, choose = load(name), random.Random(count)
    return game, [random_position(game, choose, most) for _ in range(count)]


@pytest.mark.parametrize("name", GAMES + OTHERS)
def test_net_plays_the_best_legal_logit_and_hybrid_with_one_simulation_the_same(name):
    game, found = positions(name, 60, 8)
    for seed, position in enumerate(found):
        logits, wdl = ask(FakeNet(game, seed), game, position)
        state = game.record(position.state)
        best = max(position.legal(), key=lambda a: logits[game.policy_index(state, a)])
        for mode in ("net", "hybrid"):
            result = searcher(game, mode, seed, reuse=False).run(position, simulations=1)
            assert result.action == best
            assert result.wdl == pytest.approx(wdl, abs=1e-6)
            assert (result.simulations, result.evaluations) == (1, 1)
            assert result.planned is (mode == "hybrid")


ONE_MOVE = {"tictactoe": "xoxxooox.", "connect4": "xxooxx/ooxxoo/xxooxx/ooxxoo/xxooxx/ooxxoo/xo"}


@pytest.mark.parametrize("name", GAMES)
def test_value_is_one_ply_of_search(name):
    game, found = positions(name, 60, 41 if name == "connect4" else 8)
    found.append(Position.from_text(game, ONE_MOVE[name]))
    single = 0
    for seed, position in enumerate(found):
        net, worth = FakeNet(game, seed), {}
        for action in position.legal():
            later = after(position, action)
            wdl = ask(net, game, later)[1]
            worth[action] = -later.outcome() if later.ended else float(wdl[2] - wdl[0])
        result = searcher(game, "value", seed, reuse=False).run(position)
        best = max(worth.values())
        assert worth[result.action] == pytest.approx(best, abs=1e-6)
        if best < 1:  # a win found on the way ends the search
            assert result.q == pytest.approx([worth[a] for a in sorted(worth)], abs=1e-6)
        assert result.value == pytest.approx(best, abs=1e-6)
        single += len(worth) == 1
    assert single > 0, "positions with a single move are a case of their own"


@pytest.mark.parametrize("name", GAMES)
def test_auto_plans_between_its_extremes(name):
    game, found = positions(name, 40)
    for position in found:
        if len(position.legal()) < 2:
            continue
        priors = np.sort(searcher(game, "net").run(position).prior)
        gap = float(priors[-1] - priors[-2])
        planned = {}
        for threshold in (0, gap - 1e-6, gap + 1e-6, 1):
            result = searcher(game, "auto", threshold=threshold).run(position, simulations=30)
            planned[threshold] = result.planned
            other = "hybrid" if result.planned else "net"
            expected = searcher(game, other).run(position, simulations=30)
            assert result.action == expected.action
        assert list(planned.values()) == [False, False, True, True]


def test_auto_counts_what_it_planned():
    game, found = positions("connect4", 20)
    search = searcher(game, "auto", threshold=0.05, reuse=False)
    planned = sum(search.run(position, simulations=5).planned for position in found)
    assert (search.moves_planned, search.moves_chosen) == (planned, 20)
    assert 0 < planned < 20


@pytest.mark.parametrize("prior", ["net", "uniform", None])
@pytest.mark.parametrize("value", ["net", "rollout", None])
@pytest.mark.parametrize("mode", MODES)
def test_every_combination_runs(mode, value, prior):
    game = load("connect4")
    search = searcher(game, mode, prior=prior, value=value, threshold=1)
    position = Position.from_moves(game, list("4443"))
    result = search.run(position, simulations=40)
    assert result.action in position.legal()
    uses_net = "net" in (search.mode.prior, search.mode.value)
    assert (result.evaluations > 0) is uses_net is search.mode.needs_net
    if search.mode.prior == "uniform":
        assert result.prior == pytest.approx(1 / 7)
    else:
        assert np.ptp(result.prior) > 0.01


class Middle:
    """A draw for sure once the middle cell is taken, else an even gamble; no move is likelier than another."""

    net_id = "middle"

    def evaluate(self, planes, logits, wdl):
        logits[:] = 0
        wdl[:] = np.where(planes[:, :, 1, 1].any(axis=1)[:, None], (0.0, 1.0, 0.0), (0.5, 0.0, 0.5))


@pytest.mark.parametrize("moves", [[], ["a1"], ["a1", "b1"]])
def test_draw_value_moves_the_choice(moves):
    """A sure draw is taken over a gamble when draws are worth 0.9 to the root player, and refused at -0.9."""
    game = load("tictactoe")
    for draw_value, wanted in ((0.9, True), (-0.9, False)):
        search = Search(game, Settings("value", draw_value=draw_value, memory=SMALL), Middle())
        result = search.run(Position.from_moves(game, moves))
        assert (result.move == "b2") is wanted
        assert result.wdl == pytest.approx((0, 1, 0) if wanted else (0.5, 0, 0.5), abs=1e-6)
        assert min(result.wdl) >= 0
        middle = result.actions.tolist().index(4)
        assert result.q[middle] == pytest.approx(draw_value, abs=1e-6)


@pytest.mark.parametrize("moves", [[], ["a1"]])
def test_draw_value_in_the_tree(moves):
    game = load("tictactoe")
    visits = []
    for draw_value in (0.9, -0.9):
        settings = Settings("hybrid", draw_value=draw_value, memory=SMALL, early_stop=False)
        result = Search(game, settings, Middle()).run(Position.from_moves(game, moves), simulations=60)
        visits.append(result.visits[result.actions.tolist().index(4)])
        assert sum(result.wdl) == pytest.approx(1)
    assert visits[0] > 2 * visits[1]


@pytest.mark.parametrize("draw_value", [0.9, 0.0, -0.9])
def test_a_forced_draw_is_proven_whatever_it_is_worth(draw_value):
    game = load("tictactoe")
    search = searcher(game, draw_value=draw_value, early_stop=False)
    result = search.run(Position(game), simulations=100_000)
    assert (result.proven, result.wdl) == (0, (0, 1, 0))
    assert result.q[result.actions.tolist().index(result.action)] == pytest.approx(draw_value, abs=1e-6)


REFUSED = [
    ({"draw_value": 1.5}, "draw_value"),
    ({"draw_value": -1.01}, "draw_value"),
    ({"draw_value": float("nan")}, "draw_value"),
    ({"threads": 0}, "threads"),
    ({"leaves": -1}, "leaves"),
    ({"memory": 0}, "memory"),
    ({"temperature": -0.5}, "temperature"),
    ({"mode": "hybird"}, "did you mean hybrid"),
    ({"mode": "x"}, "modes are search, net"),
    ({"prior": "nett"}, "prior 'nett'"),
    ({"value": "rolout"}, "value 'rolout'"),
    ({"value": "static"}, "defines no static_value"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSED, ids=str)
def test_refused_settings(settings, words):
    game = load("tictactoe")
    with pytest.raises(TandemError, match=words) as caught:
        Search(game, Settings(**settings), FakeNet(game))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["net", "value", "hybrid", "auto"])
def test_a_mode_without_its_net(mode):
    with pytest.raises(TandemError, match=f"mode {mode} needs a net"):
        Search(load("tictactoe"), Settings(mode))
    assert Search(load("tictactoe"), Settings("search", memory=SMALL)).run(Position(load("tictactoe")), simulations=5)


BUDGETS = [{"simulations": 0}, {"simulations": -3}, {"seconds": 0}, {"seconds": -1.0}, {"seconds": float("nan")}]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
def test_refused_budgets(budget):
    game = load("tictactoe")
    with pytest.raises(TandemError, match=next(iter(budget))):
        searcher(game).run(Position(game), **budget)


def test_a_finished_game_has_nothing_to_search():
    game = load("tictactoe")
    with pytest.raises(TandemError, match="the game is over"):
        searcher(game).run(Position.from_text(game, "xxxoo...."), simulations=5)


def test_temperature_draws_by_visits():
    game = load("tictactoe")
    search = searcher(game, temperature=1.0, reuse=False, solve=False, early_stop=False)
    result = search.run(Position(game), simulations=200)
    counts = np.zeros(9)
    for _ in range(1500):
        counts[search.result().action] += 1
    assert counts / 1500 == pytest.approx(result.visits / result.visits.sum(), abs=0.06)
