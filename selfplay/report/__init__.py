"""A training run as one page. In the order of dependence.

figures.py   what pages show: charts, tables, boards
charts.py    charts as SVG
page.py      templates filled; base.html and parts.html are those of studies, too, page.html is the report's
curves.py    what a run's log says over time
census.py    what its stored games say: lengths, results, openings, calibration
rungs.py     matches between the checkpoints of its ladder, and their Elo
boards.py    the net's policy against the search's visits on example positions
command.py   the command line
"""
