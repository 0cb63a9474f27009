"""Games of an actor are legal, repeatable and labelled as the rules and the search say."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.exact import Exact
from engine.position import Position
from games.contract import Game
from games.loader import load
from games.rng import seed_for
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from nets.families import build
from selfplay.actor import Actor
from selfplay.records import FAST, FULL, UNPROVEN, GameBatch, GameRecord
from selfplay.shards import to_bytes
from tests.engine.helpers import FakeNet as SameNet
from tests.selfplay.helpers import CHASE, STONES, FakeNet, board_of, minimax, played, tiny, write_game

torch.set_num_threads(1)
TICTACTOE, CONNECT4 = load("tictactoe"), load("connect4")
IN_BRACKETS = 24 * 8  # visits of a root at most there, with those that earlier moves' searches left behind


def check_record(game: Game, record: GameRecord, most: int) -> Counter[str]:
    """Replay one game through the rules and hold every row against them; what was seen on the way."""
    seen: Counter[str] = Counter(ended=1)
    seen[record.ended] += 1
    position, ends = Position(game), np.cumsum(record.child_count)
    assert record.ply.tolist() == list(range(record.ply[0], len(record.actions)))
    for ply, action in enumerate(record.actions.tolist()):
        assert not position.ended
        if ply >= record.ply[0]:
            row = ply - int(record.ply[0])
            children = slice(ends[row] - record.child_count[row], ends[row])
            check_row(position, record, row, children, most, seen)
        position.play(action)
    assert (record.ended, record.outcome) == (position.ended, position.first_player_outcome())
    return seen


def check_row(position: Position, record: GameRecord, row: int, children: slice, most: int, seen: Counter[str]) -> None:
    simulations, proven = int(record.simulations[row]), int(record.proven[row])
    wdl = record.root_wdl[row].astype(float)
    np.testing.assert_allclose(wdl.sum(), 1, atol=2e-3)
    assert (1 if proven == UNPROVEN else 0) <= simulations <= most  # none where the solver was asked first
    if proven != UNPROVEN:
        assert wdl.tolist() == [float(proven == k) for k in (1, 0, -1)]
        seen["proven"] += 1
        if position.game.name == "tictactoe":
            assert proven == max(minimax(board_of(position)).values())
    if record.kind[row] == FAST:
        assert record.child_count[row] == 0
        return
    assert record.kind[row] == FULL
    assert record.child_action[children].tolist() == position.legal()
    policy, visits = record.policy[children].astype(float), record.visits[children]
    np.testing.assert_allclose(policy.sum(), 1, atol=2e-3)
    assert visits.sum() <= max(simulations - 1, 0)
    if proven == UNPROVEN:
        assert simulations == most or (most == IN_BRACKETS and simulations >= 24)
    q = record.child_q[children]
    assert (np.isnan(q) == (visits == 0)).all()
    assert (np.abs(q[visits > 0]) <= 1).all()
    if position.game.name == "tictactoe" and proven == 1:
        values = minimax(board_of(position))
        assert all(values[action] == 1 for action in record.child_action[children][policy > 0].tolist())
    wins = np.array([wins_at_once(position, action) for action in position.legal()])
    if wins.any() and position.game.best_first is not None:  # a game that looks ahead overlooks no win at hand
        seen["win at hand"] += 1
        assert proven == 1
    elif visits[wins].any():  # a search that has proved another win need not have looked at this one
        seen["win at hand"] += 1
        assert proven == 1
        assert (policy[~wins] == 0).all()


def wins_at_once(position: Position, action: int) -> bool:
    after = position.copy()
    after.play(action)
    return after.ended == "rules" and after.outcome() == -1


def check_games(game: Game, batch: GameBatch, most: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for record in batch.records():
        seen += check_record(game, record, most)
    return seen


@pytest.mark.parametrize(
    ("game", "changes"),
    [
        (TICTACTOE, {}),
        (TICTACTOE, {"opening_share": 0.0, "noise_weight": 0.0, "temperature": 0.0, "full_share": 1.0}),
        (TICTACTOE, {"random_share": 0.5, "late_temperature": 0.01}),
        (CONNECT4, {"opening_plies": 30, "proof_nodes": 0}),
        (CONNECT4, {"opening_plies": 30, "proof_nodes": 2000}),
        (TICTACTOE, {"root": "gumbel", "temperature_plies": 0}),
        (CONNECT4, {"root": "gumbel", "temperature_plies": 0, "considered": 3, "opening_plies": 30}),
    ],
)
def test_games_are_legal_and_rows_are_what_the_search_found(game: Game, changes: dict[str, Any]) -> None:
    # In brackets, the simulations of a move come on top of what was kept of the last search's tree.
    seen = check_games(game, played(game, 1200, **changes), IN_BRACKETS if changes.get("root") == "gumbel" else 24)
    assert seen["ended"] > 20
    assert seen["proven"] > 20
    assert seen["win at hand"] > 5


@pytest.mark.parametrize("net", ["mlp:16", "resnet:1x8"])
def test_a_real_net_plays_legally_and_signs_its_games(net: str) -> None:
    evaluator = TorchEvaluator(build(NetConfig.parse(net), TICTACTOE, seed=1))
    batch = played(TICTACTOE, net=evaluator)
    assert check_games(TICTACTOE, batch, 24)["ended"] > 20
    assert {record.net_id for record in batch.records()} == {evaluator.net_id}
    assert {record.source for record in batch.records()} == {"self-play"}


@pytest.mark.parametrize("root", ["puct", "gumbel"])
def test_a_cache_saves_evaluations_and_changes_no_game(root: str) -> None:
    """Nor does the noise of a root whose evaluation was known come too late for its children."""
    games, asked = [], []
    for cache in (0, 4):
        actor = Actor(CONNECT4, tiny(CONNECT4, root=root, cache=cache), SameNet(CONNECT4))
        batch = actor.play(1500)
        games.append({int(n): batch.select(batch.number == n) for n in batch.number})
        asked.append(actor.evaluations)
    both = games[0].keys() & games[1].keys()  # some were under way in one of them
    assert len(both) > 30
    for number in both:
        assert to_bytes(games[0][number], "") == to_bytes(games[1][number], "")
    assert asked[1] < 0.9 * asked[0]


def test_effort_multiplies_what_is_searched() -> None:
    """Up to what the configuration makes room for; a root that proves itself is searched less."""
    config = tiny(CONNECT4, simulations=10, fast_simulations=4, full_share=0.5, late_effort=3.0, solve=False)
    actor, most = Actor(CONNECT4, config, FakeNet()), {}
    for effort in (1.0, 3.0):
        for _ in range(2):  # games that the effort before has searched in part end in the first
            batch = actor.play(1500, effort=effort)
        most[effort] = {kind: int(batch.simulations[batch.kind == kind].max()) for kind in (FULL, FAST)}
    assert most[1.0][FULL] == 10
    assert most[3.0][FULL] == 30
    assert most[1.0][FAST] < most[3.0][FAST]


def test_a_cache_forgets_what_older_weights_said() -> None:
    actor = Actor(CONNECT4, tiny(CONNECT4, cache=4), TorchEvaluator(build(NetConfig.parse("mlp:16"), CONNECT4)))
    actor.play(300)
    known = np.count_nonzero(actor.cache.kept.keys)
    actor.evaluator.load(build(NetConfig.parse("mlp:16"), CONNECT4, seed=2))
    actor.play(1)
    assert 0 < np.count_nonzero(actor.cache.kept.keys) < known


@pytest.mark.parametrize("nodes", [60, 4000])
def test_solved_positions_teach_every_move_that_keeps_the_outcome(nodes: int) -> None:
    """tictactoe has no order of its own for exact search, Connect Four has; 60 nodes solve some positions only."""
    seen: Counter[str] = Counter()
    for game in (TICTACTOE, CONNECT4):
        exact = Exact(game, memory=1 << 24)
        for record in list(played(game, 600, proof_nodes=nodes, opening_plies=30).records())[:40]:
            ends, position = np.cumsum(record.child_count), Position(game)
            for ply, action in enumerate(record.actions.tolist()):
                row = ply - int(record.ply[0])
                if row >= 0 and record.simulations[row] == 0:
                    found = {a: s.value for a, s in exact.moves(position, outcome_only=True).items()}
                    best = max(v for v in found.values() if v is not None)
                    kept = [a for a, v in found.items() if v == best]
                    assert record.proven[row] == best
                    assert record.root_wdl[row].tolist() == [float(best == k) for k in (1, 0, -1)]
                    taught = len(kept) < len(found)
                    assert record.child_count[row] == taught * len(found)
                    children = slice(ends[row] - record.child_count[row], ends[row])
                    policy = dict(zip(record.child_action[children].tolist(), record.policy[children], strict=True))
                    assert policy == pytest.approx(
                        {a: (a in kept) / len(kept) for a in found} if taught else {}, abs=1e-3
                    )
                    seen["taught"] += taught
                elif row >= 0:
                    seen["searched"] += 1
                position.play(action)
            assert (record.ended, record.outcome) == (position.ended, position.first_player_outcome())
    assert seen["taught"] > 100
    assert nodes > 60 or seen["searched"] > 100


@pytest.mark.parametrize(("share", "first"), [(0.0, {0}), (1.0, set(range(4)))])
def test_random_openings_have_no_rows(share: float, first: set[int]) -> None:
    batch = played(TICTACTOE, 1000, opening_share=share, opening_plies=3)
    assert {int(record.ply[0]) for record in batch.records()} == first


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_the_share_of_full_searches(share: float) -> None:
    batch = played(TICTACTOE, 2000, full_share=share)
    spread = (share * (1 - share) / batch.positions) ** 0.5
    assert abs((batch.kind == FULL).mean() - share) < 4 * spread


@pytest.mark.parametrize(("first", "stride"), [(0, 1), (7, 3)])
def test_numbers_and_seeds(first: int, stride: int) -> None:
    actor = Actor(TICTACTOE, tiny(TICTACTOE, seed=5), FakeNet(), first_number=first, stride=stride)
    parts = [actor.play(200) for _ in range(3)]
    for part in parts:
        assert (np.diff(part.number) > 0).all()
    numbers = np.sort(np.concatenate([part.number for part in parts]))
    under_way = 16  # one per slot, and none else may be missing
    everything = first + stride * np.arange(len(numbers) + under_way)
    assert len(np.unique(numbers)) == len(numbers) > 40
    assert np.isin(numbers, everything).all()
    assert numbers[0] < first + stride * under_way
    assert all(record.seed == seed_for(5, record.number) for part in parts for record in part.records())


def test_listed_numbers_come_first_in_their_order() -> None:
    listed = [*range(100, 140), 7]
    actor = Actor(TICTACTOE, tiny(TICTACTOE), FakeNet(), first_number=1000, numbers=listed[:30])
    assert actor.players["number"].tolist() == listed[:16]
    actor.number(listed[30:])
    numbers = np.concatenate([actor.play(200).number for _ in range(3)]).tolist()
    everything = [*listed, *range(1000, 1000 + len(numbers) + 16 - len(listed))]
    assert sorted([*numbers, *actor.players["number"].tolist()]) == sorted(everything)


def test_the_same_seed_gives_the_same_bytes() -> None:
    def data(seed: int) -> bytes:
        return to_bytes(played(TICTACTOE, seed=seed), TICTACTOE.rules_id)

    assert data(1) == data(1) != data(2)


def test_stop_ends_early_and_loses_nothing() -> None:
    actor = Actor(TICTACTOE, tiny(TICTACTOE), FakeNet())
    calls = iter([False] * 40 + [True])
    early = actor.play(100_000, lambda: next(calls))
    assert actor.evaluations <= 40 * 16
    assert actor.plies < 400
    later = actor.play(400)
    together = GameBatch.concat([early, later])
    assert len(np.unique(together.number)) == len(together)
    assert check_games(TICTACTOE, together, 24)["ended"] > 20


# In turn: both; a limit; both at once; openings that repeat; openings longer than a game may last.
@pytest.mark.parametrize(
    ("parameters", "changes", "reasons"),
    [
        ("", {"opening_share": 0.0}, {"rules", "repetition"}),
        (":length=6,repetition=0", {"opening_plies": 4}, {"rules", "max plies"}),
        (":length=4,repetition=2", {"opening_share": 0.0}, {"repetition"}),
        (":length=30,repetition=2", {"opening_share": 1.0, "opening_plies": 20}, {"rules", "repetition"}),
        (":length=8,repetition=3", {"opening_share": 1.0, "opening_plies": 60}, {"rules", "max plies"}),
    ],
)
def test_repetition_and_length_end_games(
    parameters: str, changes: dict[str, Any], reasons: set[str], tmp_path: Path
) -> None:
    game = load(write_game(tmp_path, "chase", CHASE) + parameters, tried=False)  # some outlast their MAX_PLIES
    # Moves at random and little search, or every game would be a quick win.
    seen = check_games(game, played(game, 1500, random_share=0.5, simulations=4, fast_simulations=2, **changes), 4)
    assert {"rules", "repetition", "max plies"} & set(seen) >= reasons


CLAIM = """

def key(s):
    if (s.mine, s.theirs) == (4, 1):
        return np.uint64(2**64 - 1)
    return np.uint64(s.mine * 5 + s.theirs)
"""


@pytest.mark.parametrize("opening_share", [0.0, 1.0])
def test_a_draw_that_can_be_claimed_ends_games(opening_share: float, tmp_path: Path) -> None:
    game = load(write_game(tmp_path, "claims", CHASE + CLAIM))
    changes = {"opening_share": opening_share, "opening_plies": 6, "simulations": 4, "fast_simulations": 2}
    seen = check_games(game, played(game, 1000, random_share=0.5, **changes), 4)
    assert {"rules", "claim"} <= set(seen)


def test_a_pass_is_an_action_like_any_other(tmp_path: Path) -> None:
    game = load(write_game(tmp_path, "stones", STONES))
    batch = played(game, 600, simulations=60)
    assert check_games(game, batch, 60)["ended"] > 20
    assert (batch.actions == 0).any()
    single = np.diff(batch.child_offsets) == 1
    assert single.any()
    assert (batch.policy[batch.child_offsets[:-1][single]] == 1).all()
