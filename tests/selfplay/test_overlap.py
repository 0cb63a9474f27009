"""Overlap of labelled positions with a run's games, against sets of texts."""

import random

import numpy as np

from engine.position import Position
from games.loader import load
from selfplay.labels import Label
from selfplay.overlap import trained_on
from selfplay.records import RANDOM, GameBatch, GameRecord
from selfplay.store import Store


def mirrored(text):
    return "/".join(reversed(text.split("/")))


def test_rows_that_were_trained_on_are_found_up_to_symmetry(tmp_path):
    game, choose = load("connect4"), random.Random(4)
    store, trained = Store(tmp_path / "games", game.rules_id, writable=True), set()
    for number in range(60):
        position, start = Position(game), ""
        if number % 7 == 0:
            position.play(3)
            start = game.to_text(position.state)
            position = Position.from_text(game, start)
        ply, kind = [], []
        for _ in range(6):
            if position.ply in (1, 3, 5):  # the rest has no row
                ply.append(position.ply)
                kind.append(RANDOM if choose.random() < 0.3 else 0)
                if kind[-1] != RANDOM:
                    trained.add(game.to_text(position.state))
            position.play(choose.choice(position.legal()))
        rows = {"ply": np.array(ply, np.int32), "kind": np.array(kind, np.uint8), "proven": np.full(3, 2, np.int8)}
        rows |= {"root_wdl": np.full((3, 3), np.nan, np.float16), "simulations": np.zeros(3, np.int32)}
        rows |= {"child_count": np.zeros(3, np.int32), "actions": np.array(position.actions, np.int32)}
        record = GameRecord(number=number, seed=number, start=start, outcome=0, ended="rules", **rows)
        store.append(GameBatch.from_records([record]))
    store.flush()
    labels = []
    for _ in range(400):
        position = Position(game)
        for _ in range(choose.randint(1, 5)):
            position.play(choose.choice(position.legal()))
        labels.append(Label(position, {}))
    found = trained_on(game, Store(tmp_path / "games", game.rules_id), labels)
    texts = [game.to_text(label.position.state) for label in labels]
    assert found.tolist() == [text in trained or mirrored(text) in trained for text in texts]
    assert 20 < found.sum() < 380
