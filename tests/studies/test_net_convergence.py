"""A flawed teacher, the distance of a net from its teacher, and the whole experiment in small."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from games.loader import load
from nets.families import chosen
from selfplay.labels import known_labels
from selfplay.records import FAST, FULL, GameBatch, GameRecord
from selfplay.replay import Batch
from selfplay.store import Store
from studies import net_convergence
from studies.lab import Lab
from studies.net_convergence import CAPACITIES, TEACHERS, blind_spot, flawed, losses, newest, of_uniform, rows_of
from tests.selfplay.helpers import played

GAME = load("tictactoe")


def one_game(rows: list[tuple[list[int], list[float]]]) -> GameBatch:
    """A game of one row a ply: its children's actions and their policy."""
    n = len(rows)
    record = GameRecord(
        number=0,
        seed=0,
        actions=np.zeros(n, np.int32),
        outcome=0,
        ended="label",
        ply=np.arange(n, dtype=np.int32),
        kind=np.full(n, FULL, np.uint8),
        root_wdl=np.full((n, 3), np.nan, np.float16),
        proven=np.full(n, 2, np.int8),
        simulations=np.zeros(n, np.int32),
        child_count=np.array([len(actions) for actions, _ in rows], np.int32),
        child_action=np.array([a for actions, _ in rows for a in actions], np.int32),
        policy=np.array([p for _, policy in rows for p in policy], np.float16),
        visits=np.zeros(sum(len(actions) for actions, _ in rows), np.int32),
        child_q=np.zeros(sum(len(actions) for actions, _ in rows), np.float16),
    )
    return GameBatch.from_records([record])


def test_the_flawed_teacher_never_plays_what_it_is_blind_for() -> None:
    games = one_game(
        [
            ([0, 4, 8], [0.25, 0.5, 0.25]),  # shared out as it was
            ([0, 4, 8], [0.0, 1.0, 0.0]),  # nothing to go by
            ([0, 8], [0.75, 0.25]),  # nothing to take away
            ([4], [1.0]),  # nothing else to play
            ([], []),
            ([3, 4], [0.125, 0.875]),
        ]
    )
    expected = [0.5, 0, 0.5, 0.5, 0, 0.5, 0.75, 0.25, 1, 1, 0]
    assert flawed(games, [4]).policy.tolist() == expected
    assert flawed(games, []).policy.tolist() == games.policy.tolist()


def test_the_blind_spot_is_the_favourite_with_its_images() -> None:
    assert blind_spot(GAME, one_game([([0, 4], [0.1, 0.9])])) == [4]
    assert blind_spot(GAME, one_game([([0, 4], [0.9, 0.1]), ([1, 2], [0.6, 0.4])])) == [0, 2, 6, 8]
    assert blind_spot(GAME, one_game([([1, 4, 8], [0.5, 0.3, 0.2])])) == [1, 3, 5, 7]


class Says(nn.Module):
    """A net that says the same whatever it sees."""

    def __init__(self, logits: Tensor, wdl: Tensor) -> None:
        super().__init__()
        self.answer = logits, wdl

    def forward(self, planes: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
        logits, wdl = self.answer
        return chosen(logits, moves), wdl


def test_losses_are_nats() -> None:
    policy = np.array([[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.2, 0.3, 0.5, 0]], np.float32)
    legal = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]], np.bool_)
    outcome = np.eye(3, dtype=np.float32)
    moves = np.tile(np.arange(4)[:, None], (3, 1, 1))
    rows = Batch(np.zeros((3, 1, 1, 1), np.float32), moves, policy, legal, outcome, outcome)
    zero = torch.zeros(3, 4)
    uniform = losses(Says(zero, torch.zeros(3, 3)), rows)
    entropy = -(0.2 * np.log(0.2) + 0.3 * np.log(0.3) + 0.5 * np.log(0.5))
    np.testing.assert_allclose(uniform[0], [0, np.log(4), np.log(3) - entropy], atol=1e-6)
    np.testing.assert_allclose(of_uniform(rows), uniform[0], atol=1e-12)
    np.testing.assert_allclose(uniform[1], np.log(3))
    # Whatever a net says of moves that are not legal is no part of its policy.
    taught = torch.from_numpy(np.log(np.maximum(policy, 1e-9))).masked_fill(~torch.from_numpy(legal), 50.0)
    np.testing.assert_allclose(losses(Says(taught, torch.zeros(3, 3)), rows)[0], 0, atol=1e-6)
    sure = losses(Says(zero, torch.tensor([[9.0, 0, 0], [9.0, 0, 0], [9.0, 0, 0]])), rows)[1]
    assert sure[0] < 0.01
    assert sure[1] == sure[2] > 8


def test_rows_are_different_positions_with_a_target() -> None:
    games = played(GAME, 1500, games_per_actor=8, full_share=0.5)
    assert {FULL, FAST} <= set(games.kind.tolist())
    rows = rows_of(GAME, games, 1)
    assert len({planes.tobytes() for planes in rows.planes}) == len(rows.planes) > 50
    np.testing.assert_allclose(rows.policy.sum(1), 1, atol=5e-3)
    assert not rows.policy[~rows.legal].any()
    again = rows_of(GAME, games, 1)
    assert again.planes.tobytes() == rows.planes.tobytes()


def test_the_newest_games_are_whole_and_no_more_than_asked_for(tmp_path: Path) -> None:
    games = played(GAME, 600, games_per_actor=8)
    store = Store(tmp_path, GAME.rules_id, writable=True)
    third = len(games) // 3
    for i in range(3):
        number = np.arange(len(games))
        store.append(games.select((number >= i * third) & (number < (i + 1) * third)))
        store.flush()
    lengths = np.diff(games.row_offsets)[: 3 * third]
    for most in (int(lengths[-1]), int(lengths[-third - 2 :].sum()), int(lengths.sum()) + 1):
        found = newest(tmp_path, GAME, most)
        count = int((np.cumsum(lengths[::-1]) <= most).sum())
        assert found.number.tolist() == games.number[3 * third - count : 3 * third].tolist()
        assert found.positions <= most
    assert not len(newest(tmp_path, GAME, int(lengths[-1]) - 1))
    assert not len(newest(tmp_path / "none", GAME, 10))


@pytest.mark.slow
def test_the_whole_in_small_repeats_and_finds_the_flaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_convergence, "SIZES", {0: (20_000, (20, 300), 1)})
    monkeypatch.setattr(net_convergence, "SEEDS", 2)
    games = played(GAME, 8000, games_per_actor=64, full_share=1.0, seed=3)
    store = Store(tmp_path / "run" / "games", GAME.rules_id, writable=True)
    store.append(games)
    store.flush()
    labels = [label for label in known_labels(GAME) if label.decisive][:300]
    found = []
    for home in ("a", "a", "b"):
        lab = Lab(GAME, labels, [], tmp_path / home, 1, run=tmp_path / "run")
        try:
            found.append(net_convergence.run(lab))
        finally:
            lab.close()
        assert len(list((tmp_path / home / "nets").iterdir())) == len(CAPACITIES) * len(TEACHERS) * 2 * 2
    assert found[0] == found[1] == found[2]
    counted = found[0].counted
    assert counted["never played"] == [4], "the middle"
    for teacher in TEACHERS:
        few, many = (end[0] for end in counted["divergence"][f"{CAPACITIES[-1]}, {teacher}"])
        assert 0 < many < few < counted["uniform"][teacher]
    assert counted["apart"][1] > 0, "the flaw costs right moves"
    assert len(found[0].charts) == 2
