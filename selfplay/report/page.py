"""Pages that stand alone: a template over base.html, filled."""

from pathlib import Path
from typing import Any

import jinja2

from selfplay.report.charts import svg

HERE = Path(__file__).resolve().parent


def fill(template: Path, **values: Any) -> str:
    """The page of a template that extends base.html. Raises jinja2.UndefinedError for a value that is not given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.globals["svg"] = svg
    return environment.get_template(template.name).render(**values)
