"""The study as users run it, in small: a page that needs nothing, numbers that repeat, and what it refuses."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from games.errors import TandemError
from selfplay.command import main as train
from selfplay.report.charts import svg
from selfplay.report.figures import Chart, Series, Table
from studies import matches
from studies.command import EXPERIMENTS, main
from studies.finding import Finding, Row, restored
from studies.lab import BLOCK

SMALL = ["tictactoe", "--positions", str(BLOCK), "--minutes", "5"]


def study(out: Path, *words: str) -> dict[str, Any]:
    assert main([*SMALL, *words, "--out", str(out)]) == 0
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def test_counted_results_repeat_and_are_kept(tmp_path: Path) -> None:
    first = study(tmp_path / "a", "--only", "planning")
    (answers,) = [set((tmp_path / "a" / "answers").iterdir())]
    again = study(tmp_path / "a", "--only", "planning")
    assert again["findings"] == first["findings"], "nothing was asked twice"
    other = study(tmp_path / "b", "--only", "planning")
    assert other["findings"]["planning"]["counted"] == first["findings"]["planning"]["counted"]
    assert other["findings"]["cost"] is None
    assert len(answers) == 21
    damaged = next(iter(answers))
    damaged.write_text("{")
    with pytest.raises(TandemError, match=f"{damaged.name} is damaged"):
        study(tmp_path / "a", "--only", "planning")


def test_the_page_stands_alone_and_says_what_was_not_run(tmp_path: Path) -> None:
    study(tmp_path, "--only", "planning")
    page = (tmp_path / "index.html").read_text()
    assert page.count("<svg") == 1
    assert page.count('class="thin">Not run.') == len(EXPERIMENTS) - 1
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page), "it fetches nothing"
    assert "<script" not in page
    assert "#0708" not in page, "every line takes a colour of the page"
    assert len(page) < 500_000


def test_no_time_is_said_and_no_verdict_given(tmp_path: Path) -> None:
    words = ["tictactoe", "--positions", "10", "--minutes", "0.00001", "--out", str(tmp_path)]
    assert main(words) == 0
    found = json.loads((tmp_path / "results.json").read_text())["findings"]
    assert all(not finding["enough"] for finding in found.values())
    assert (tmp_path / "index.html").read_text().count('class="thin">Not enough evidence: ') == len(EXPERIMENTS)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["tictactoe", "--only", "magic"], "there is no experiment 'magic'; there are four-cells, cost"),
        (["tictactoe", "--minutes", "0"], "--minutes must be above 0"),
        (["tictactoe", "--positions", "0"], "--positions must be at least 1"),
        (["connect4:rows=4,columns=5"], "no net ships for connect4"),
        (["tictactoe", "--run", "/nowhere"], "/nowhere"),
        (["connect4:rows=7,columns=8"], "no net ships for connect4:columns=8,rows=7"),
    ],
)
def test_bad_input_is_refused(words: list[str], wrong: str, tmp_path: Path) -> None:
    with pytest.raises(TandemError, match=wrong):
        main([*words, "--out", str(tmp_path / "report")])
    assert not (tmp_path / "report").exists()


def test_charts_are_part_of_their_page() -> None:
    series = [Series(f"line {i}", [1.0, 10.0], [0.1, 0.2], [0.0, 0.1], [0.2, 0.3]) for i in range(7)]
    text = svg(Chart("A <title>", "x & x", "y", series))
    assert text.startswith("<svg")
    assert not re.search(r'<svg [^>]*(?<!-)\b(?:width|height)="', text)
    assert {f"var(--line{i})" for i in range(6)} <= set(re.findall(r"var\(--line\d\)", text))
    assert "x &amp; x" in text
    assert svg(Chart("A <title>", "x & x", "y", series)) == text


def test_what_an_earlier_study_found_stays_on_the_page(tmp_path: Path) -> None:
    first = study(tmp_path, "--only", "planning")["findings"]["planning"]
    both = study(tmp_path, "--only", "convergence")["findings"]
    assert both["planning"] == first
    assert both["convergence"]["counted"]["n"] == BLOCK
    assert (tmp_path / "index.html").read_text().count("<svg") == 2
    other = study(tmp_path, "--only", "planning", "--seed", "2")["findings"]
    assert other["convergence"] is None, "of other positions"
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(TandemError, match=r"results\.json is damaged .*; delete it"):
        study(tmp_path, "--only", "planning")


def test_a_finding_is_restored_from_its_json() -> None:
    charts = [Chart("a", "b", "c", [Series("d", [1.0], [2.0], [0.5], [3.0])], log_y=True)]
    finding = Finding("x", Row("a", "b", "c", "d"), charts, [Table("t", ["c"], [["1"]])], False, {"n": 1}, {"ms": 2.0})
    assert restored(json.loads(json.dumps(asdict(finding)))) == finding
    assert restored(asdict(Finding("none"))) == Finding("none")


@pytest.mark.slow
def test_without_truth_the_players_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board too large to solve: its net comes from a run, and the page holds matches alone."""
    monkeypatch.setattr(matches, "GAMES", 2)
    run, spec = tmp_path / "run", "connect4:rows=7,columns=8"
    words = [spec, "--steps", "2", "--net", "mlp:8-8", "--actors", "1", "--batch", "16", "--run", str(run)]
    words += ["--games-per-actor", "16", "--plies-per-round", "200", "--proof-nodes", "0"]
    assert train(words) == 0
    assert main([spec, "--run", str(run), "--minutes", "0.05", "--out", str(tmp_path / "report")]) == 0
    found = json.loads((tmp_path / "report" / "results.json").read_text())["findings"]
    assert list(found) == ["matches"]
    assert len(found["matches"]["counted"]) == 5
    assert found["matches"]["enough"], "as many games as a verdict takes here"
    assert "Match play" in (tmp_path / "report" / "index.html").read_text()
