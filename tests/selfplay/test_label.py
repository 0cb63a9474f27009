"""Labelled sets: what the command writes is read back, decisive, spread, unlike each other, and right."""

import json
from pathlib import Path

import pytest

from engine.exact import Exact
from games.errors import TandemError
from games.loader import load
from selfplay.label import canonical, main
from selfplay.labels import read_labels


def test_a_set_is_right_decisive_and_spread(tmp_path: Path) -> None:
    out, game = tmp_path / "set.jsonl", load("connect4")
    assert main(["connect4", "--positions", "30", "--plies", "22-31", "--seed", "3", "--out", str(out)]) == 0
    labels = read_labels(game, out)
    assert len(labels) == 30
    assert all(label.decisive for label in labels)
    assert len({canonical(label.position) for label in labels}) == 30
    assert {label.position.ply for label in labels} == set(range(22, 32))
    exact = Exact(game, memory=1 << 24)
    for label, line in zip(labels, out.read_text(encoding="utf-8").splitlines(), strict=True):
        scores = json.loads(line)["scores"]
        for action, solution in exact.moves(label.position).items():
            assert solution.value == label.values[action]
            if solution.value:
                assert solution.plies is not None
                length = label.position.ply + solution.plies  # in Pons' scores the winner's stones left, plus one
                assert abs(scores[str(action + 1)]) == (44 - length) // 2

    everything = tmp_path / "all.jsonl"
    main(["connect4", "--positions", "30", "--plies", "22-31", "--seed", "3", "--all", "--out", str(everything)])
    decisive = [label.decisive for label in read_labels(game, everything)]
    assert 0 < decisive.count(False) < len(decisive) == 30

    other = tmp_path / "other.jsonl"
    main(["connect4", "--positions", "10", "--plies", "22-31", "--seed", "3", "--out", str(other), "--avoid", str(out)])
    assert not {canonical(a.position) for a in labels} & {canonical(b.position) for b in read_labels(game, other)}


def test_a_set_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TandemError, match="only 0 such positions were found, not 3"):
        main(["connect4:rows=4,columns=4", "--positions", "3", "--plies", "15-15", "--out", str(tmp_path / "x.jsonl")])


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--plies", "8"], "write them as 8-36"),
        (["--plies", "9-5"], "write them as 8-36"),
        (["--positions", "0"], "at least 1"),
    ],
)
def test_bad_flags_are_refused(tmp_path: Path, words: list[str], wrong: str) -> None:
    with pytest.raises(TandemError, match=wrong):
        main(["connect4", "--out", str(tmp_path / "x.jsonl"), *words])
    with pytest.raises(TandemError, match="no folder"):
        main(["connect4", "--out", str(tmp_path / "no" / "x.jsonl")])
