"""A training run as one HTML page that needs nothing beside itself; the run may be under way.

python -m selfplay.report runs/c4                          writes runs/c4/report.html
python -m selfplay.report runs/c4 --minutes 0              plays no further matches between checkpoints
python -m selfplay.report runs/c4 --player net --out c4.html

What it shows: losses, policy entropy, accuracy by mode, Elo over checkpoints, games, value calibration, the net's
policy against the search's visits, throughput and where the time went. Matches are kept in the run, and played once.
"""

import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from games.cli import INTERRUPTED, Parser
from games.contract import Game
from games.errors import TandemError
from games.files import check_output, reason, write_atomic
from games.notice import tell_when_compiling
from nets.models import game_named, run_model
from players.evaluators import load_evaluator
from selfplay.report.boards import Example, examples
from selfplay.report.census import calibration, over_time, read_games, table
from selfplay.report.curves import History
from selfplay.report.figures import Chart, Table
from selfplay.report.page import HERE, fill
from selfplay.report.rungs import ANCHOR, PLAYER, Matches, play
from selfplay.rundir import RunDir
from selfplay.runs import Run
from selfplay.store import Store

MINUTES = 2.0
MOST_NOTES = 10
# Where the charts over time come from: the games of self-play, or where there are none, those that taught the run, by
# the name that counts them in the log.
SOURCES = {"self-play": "games", "teacher": "taught", "record": "records"}


@dataclass
class Section:
    """One part of the page: `missing` says why where nothing is there to show."""

    name: str
    title: str
    about: str
    missing: str
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def __post_init__(self) -> None:
        drawn = ((chart, [s for s in chart.series if s.x]) for chart in self.charts)
        self.charts = [chart for chart, series in drawn if series]


def sections(one: Run, game: Game, matches: Matches) -> list[Section]:
    """All parts of a run's page. Raises TandemError for a run of other rules."""
    run, settings = one.run, one.settings
    try:
        history = History(run.events())
    except OSError as error:
        raise TandemError(f"cannot read the log of {run.path}: {reason(error)}") from error
    store = Store(run.games, game.rules_id)
    found = read_games(store)
    source = next((name for name in SOURCES if name in found), None)
    of_games = "Each point is of as many games; bands are 95 % intervals, of games that are taken as independent."
    if source is None:
        games, of_games = history.games(), "This run stores no games; its rounds say what theirs were like."
    else:
        games = over_time(found[source], lambda counts: history.minutes_at(SOURCES[source], counts))
    searched = [name for name in ("self-play", "teacher") if name in found]
    calibrated = [calibration(found[searched[0]])] if searched else []
    shown, why = _examples(one, game, store)
    spent = history.time_table()
    return [
        Section(
            "losses",
            "Losses",
            "Policy loss is the cross-entropy of the net's policy with its target; the target's own entropy is the "
            "least that it can reach. An entropy that falls early means a policy that explores little.",
            "The run has logged no training step yet.",
            history.losses(str(settings.get("learner", "search"))),
        ),
        Section(
            "strength",
            "Accuracy",
            "Measured about once a minute on positions of known value, where there are such, else by games against "
            "play-out search. Bands are 95 % intervals (Wilson), over the positions or games of one measurement.",
            "Nothing has been measured yet.",
            history.strength(),
        ),
        Section(
            "elo",
            "Elo over checkpoints",
            f"Checkpoints of the run's ladder play as {matches.player} from random openings, in pairs with colours "
            f"swapped, against one another and against {ANCHOR}: {matches.games():,} games. One scale for all by "
            "maximum likelihood (Bradley and Terry 1952); 95 % intervals of the difference to the oldest.",
            "No matches were played: give --minutes, once the run has two checkpoints.",
            [matches.chart()] if matches.games() else [],
            [matches.table()] if matches.games() else [],
        ),
        Section(
            "games",
            "Games",
            f"{of_games} Draws, length and score are those of games with random openings and exploration; shorter "
            "games are their own line among the unique openings.",
            "No game has ended yet.",
            games,
            [table(found)] if found else [],
        ),
        Section(
            "calibration",
            "Value calibration",
            "Of all searched positions to which the search gave about the same expected score for the player to move "
            "(a win 1, a draw 1/2), the mean score of their games. On the diagonal, values are true of these games. "
            "Bands are 95 % intervals that count positions of one game as one observation.",
            "There are no stored games with searched positions.",
            [chart for chart in calibrated if len(chart.series) > 1],
        ),
        Section(
            "boards",
            "Policy against visits",
            "Positions of the newest stored game, or of one that the net plays. Shade and figures are shares in "
            "percent: of the net's policy on the left, of the search's visits with the same net on the right, on the "
            "cells where a move puts something.",
            why,
            examples=shown,
        ),
        Section(
            "speed",
            "Throughput and time",
            "Training goes on beside the games, so that shares may add up to more than one. A run of an earlier "
            "version did not measure where its time went.",
            "The run has finished no round yet.",
            history.speed(),
            [spent] if spent else [],
        ),
    ]


def _examples(one: Run, game: Game, store: Store) -> tuple[list[Example], str]:
    """The examples, or why there are none."""
    simulations = one.settings.get("simulations")
    try:
        evaluator = load_evaluator(game, run_model(one.run.path))
        found = examples(game, store, evaluator, simulations if isinstance(simulations, int) else 100)
    except TandemError as error:
        return [], f"{error}."
    return found, "There is no game with as many searched positions."


def facts(one: Run) -> dict[str, str]:
    """What stands on top of the page."""
    p, settings = one.found.progress, one.settings
    given = {"records": "games from files", "taught": "games of a teacher"}
    rows = {
        "run": str(one.run.path),
        "net": str(settings.get("net")),
        "learner": str(settings.get("learner", "search")),
        "trained": f"{one.minutes:.1f} minutes, {p.get('core_seconds', 0) / 60:.1f} core-minutes",
        "games": f"{one.count('games')} of self-play, {one.count('positions')} positions",
        **{name: one.count(name) for name in given if p.get(name)},
        "evaluations": one.count("evaluations"),
        "training steps": one.count("steps"),
        "strength": one.strength(),
        "now": one.now(),
        "made": f"{time.strftime('%Y-%m-%d %H:%M')}, by python -m selfplay.report",
    }
    return {given.get(name, name): text for name, text in rows.items()}


def notes(one: Run) -> list[str]:
    """What a reader must know of the run before the figures."""
    bad = [f"Left out, since it cannot be read: {finding}" for finding in one.found.bad]
    more = [f"and {len(bad) - MOST_NOTES} files more"] if len(bad) > MOST_NOTES else []
    begun = [] if one.run.checkpoints() else ["This run has saved nothing yet; make the report anew in a minute."]
    return [*begun, *bad[:MOST_NOTES], *more]


def main(words: Sequence[str]) -> int:
    """The command line. Returns 0, or 130 when Ctrl-C cut the matches short; TandemError for bad input."""
    about, usage, what = (__doc__ or "").split("\n\n")
    parser = Parser(prog="python -m selfplay.report", description=about, epilog=f"examples:\n{usage}\n\n{what}")
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, such as runs/connect4-1")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (RUN/report.html)")
    parser.add_argument(
        "--minutes", type=float, metavar="M", default=MINUTES,
        help="for matches between checkpoints, at most; 0 plays none (%(default)g)",
    )  # fmt: skip
    parser.add_argument("--player", metavar="SPEC", default=PLAYER, help="how checkpoints play (%(default)s)")
    parser.add_argument("--game", metavar="GAME", help="the file of a game of your own")
    flags = parser.parse_args(words)
    if not 0 <= flags.minutes < math.inf:
        raise TandemError(f"--minutes must be 0 or more, not {flags.minutes:g}")
    if not flags.run.is_dir():
        raise TandemError(f"no run folder at {flags.run}; name the folder that train.py --run was given")
    logging.basicConfig(format="%(message)s")
    run = RunDir.read(flags.run)
    game = game_named(str(run.config.get("game")), flags.game)
    if run.config.get("rules_id") != game.rules_id:
        raise TandemError(f"{flags.run} is a run of {run.config.get('rules_id')}, not of {game.rules_id}")
    tell_when_compiling(game.spec)
    out, code = flags.out or flags.run / "report.html", 0
    check_output(out)
    matches = Matches(run, flags.player, ANCHOR)
    try:
        play(game, run, matches, flags.minutes, progress=sys.stderr.isatty())
    except KeyboardInterrupt:
        print("matches cut short; the page shows those that were played", file=sys.stderr)
        code = INTERRUPTED
    one = Run.look(flags.run)
    page = fill(
        HERE / "page.html",
        game=game.spec,
        name=flags.run.resolve().name,
        facts=facts(one),
        notes=notes(one),
        sections=sections(one, game, matches),
    )
    write_atomic(out, page.encode())
    print(out)
    return code
