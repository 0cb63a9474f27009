"""All findings as one page that needs nothing beside itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from games.contract import Game
from studies.charts import svg
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
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    shown = [
        {
            "name": name,
            "title": title,
            "question": question,
            "finding": finding,
            "made_by": made_by.get(name),
            "charts": [(chart.title, svg(chart)) for chart in finding.charts] if finding else [],
        }
        for name, (title, question, finding) in findings.items()
    ]
    rows = [(finding.row, finding.enough) for _, _, finding in findings.values() if finding and finding.row]
    return template.render(game=game, findings=shown, rows=rows, facts=facts)
