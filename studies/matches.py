"""Where no position's value is known: how do net, search and hybrid score against each other?"""

import math
import time

from players.elo import elo, score_interval
from selfplay.report.figures import Table
from studies.finding import Finding, Row
from studies.lab import Lab

TITLE = "Match play"
SECONDS = 0.05  # a move, for both sides of a match at equal time
GAMES = 400
# (player, opponent), and whether each has a net. Search by play-outs is the opponent that needs no training.
MATCHES = (
    (f"hybrid:seconds={SECONDS}", f"search:seconds={SECONDS}", (True, False)),
    ("hybrid:simulations=100", "search:simulations=100", (True, False)),
    ("net", "search:simulations=100", (True, False)),
    ("value", "search:simulations=100", (True, False)),
    ("hybrid:simulations=100", "net", (True, True)),
    ("hybrid:simulations=400", "hybrid:simulations=100", (True, True)),
)


def run(lab: Lab) -> Finding:
    """Play all matches, from random openings in pairs with colours swapped."""
    scores, until = [], lab.deadline
    for i, (mine, theirs, netted) in enumerate(MATCHES):
        now = time.monotonic()
        lab.deadline = now + (until - now) / (len(MATCHES) - i)  # an equal share of what is left
        nets = (lab.best if netted[0] else None, lab.best if netted[1] else None)
        scores.append(lab.match(mine, theirs, GAMES, nets))
    lab.deadline = until
    shown = [_shown(row) for row in scores]
    games = [2 * len(row) for row in scores]
    table = Table(
        f"Scores with {lab.best.name}, from random openings in pairs (95 % interval from pairs)",
        ["player", "against", "games", "score", "Elo"],
        [[mine, theirs, str(n), *words] for (mine, theirs, _), n, words in zip(MATCHES, games, shown, strict=True)],
    )
    answer = (
        f"No position's value is known here, so players meet in matches: at {1000 * SECONDS:g} ms a move the hybrid "
        f"scores {shown[0][0]} against search in {games[0]} games, and the net alone {shown[2][0]} against 100 "
        f"play-outs in {games[2]}."
    )
    row = Row(
        "Strength",
        "the opponent in these matches",
        f"{shown[2][0]} against 100 play-outs",
        f"{shown[0][0]} against search at equal time",
    )
    found = {
        f"{a} against {b}": [sum(x) / len(x), *score_interval(x)] for (a, b, _), x in zip(MATCHES, scores, strict=True)
    }
    counted = {name: numbers for name, numbers in found.items() if "seconds" not in name}
    timed = {name: numbers for name, numbers in found.items() if "seconds" in name}
    return Finding(answer, row, [], [table], min(games) >= GAMES, counted, timed)


def _shown(scores: list[float]) -> tuple[str, str]:
    """A score and its Elo, each with its interval, in words."""
    low, high = score_interval(scores)
    score = sum(scores) / len(scores)
    ends = ["unbounded" if math.isinf(x) else f"{x:+.0f}" for x in (elo(score), elo(low), elo(high))]
    return f"{score:.1%} ({low:.1%} to {high:.1%})", f"{ends[0]} ({ends[1]} to {ends[2]})"
