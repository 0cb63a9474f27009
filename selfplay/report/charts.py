"""Charts as SVG that takes its colours from the page around it, light or dark."""

import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from selfplay.report.figures import Chart

matplotlib.use("svg")
# Colours that nothing else has, put in place of the page's own after drawing.
INK, GRID = "#010203", "#040506"
LINES = ("#070801", "#070802", "#070803", "#070804", "#070805", "#070806")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))  # beside colour, for who does not see it
MARKERS = "os^Dv*"
MOST_MARKERS = 40  # of a line; more hide it


def svg(chart: Chart) -> str:
    """The chart as an <svg> element, as wide as its place, text as text."""
    settings: Any = {"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": chart.title, "font.size": 13}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(6.6, 4.4), layout="constrained")
        axes = figure.subplots()
        figure.patch.set_alpha(0)
        axes.patch.set_alpha(0)
        for i, s in enumerate(chart.series):
            k = i % len(LINES)
            order = sorted(range(len(s.x)), key=s.x.__getitem__)
            x, y = [s.x[j] for j in order], [s.y[j] for j in order]
            marker = MARKERS[k] if len(x) <= MOST_MARKERS else ""
            axes.plot(x, y, color=LINES[k], linestyle=DASHES[k], marker=marker, markersize=4, label=s.name)
            if s.low is not None and s.high is not None:
                low, high = [s.low[j] for j in order], [s.high[j] for j in order]
                axes.fill_between(x, low, high, color=LINES[k], alpha=0.15, linewidth=0)
                if len(x) == 1:  # a band needs two
                    axes.vlines(x, low, high, color=LINES[k], alpha=0.5)
        if chart.log_x:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
        if chart.from_zero:
            axes.set_xlim(left=0)
        if chart.log_y:
            axes.set_yscale("log")
        if chart.percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1))  # as many decimals as tell its ticks apart
        axes.set_xlabel(chart.x_label, color=INK)
        axes.set_ylabel(chart.y_label, color=INK)
        axes.tick_params(which="both", colors=INK)
        axes.grid(color=GRID, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        if len(chart.series) > 1:
            axes.legend(frameon=False, labelcolor=INK, fontsize=11)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue(), chart.title)


def _inline(text: str, title: str) -> str:
    """What matplotlib wrote as a part of an HTML page: no prolog, ids of its own, the page's colours and width."""
    text = text[text.index("<svg") :]
    text = re.sub(r'<svg ([^>]*?)width="[^"]*" ?', r"<svg \1", text, count=1)
    text = re.sub(r'<svg ([^>]*?)height="[^"]*" ?', r'<svg role="img" \1', text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)  # HTML knows both
    mark = re.sub(r"\W+", "-", title.lower())
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mark}-", text)
    for colour, name in ((INK, "ink"), (GRID, "grid"), *((c, f"line{i}") for i, c in enumerate(LINES))):
        text = text.replace(colour, f"var(--{name})")
    return text
