"""All findings as one page that needs nothing beside itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from games.contract import Game
from selfplay.report.page import fill
from studies.finding import Finding

TEMPLATE = Path(__file__).resolve().parent / "page.html"


def render(
    game: Game,
    findings: Mapping[str, tuple[str, str, Finding | None]],
    made_by: Mapping[str, str],
    facts: Mapping[str, Any],
) -> str:
    """The page: `findings` has title, question and result by name, None for what was not run; `facts` stand on top.

    `made_by` says of each result how it came about.
    """
    shown = [
        {
            "name": name,
            "title": title,
            "question": question,
            "finding": finding,
            "made_by": made_by.get(name),
        }
        for name, (title, question, finding) in findings.items()
    ]
    rows = [(finding.row, finding.enough) for _, _, finding in findings.values() if finding and finding.row]
    return fill(TEMPLATE, game=game, findings=shown, rows=rows, facts=facts)
