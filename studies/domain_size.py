"""How large a board is solved outright, and how do the modes fare at equal time as boards grow?"""

from pathlib import Path

from engine.exact import Exact
from engine.position import Position
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from selfplay.labels import Label, known_labels
from selfplay.report.figures import Chart, Series, Table
from studies.finding import Finding, Row
from studies.lab import Lab
from studies.training import minutes_that_fit, train

TITLE = "Size of the domain"
# Boards of a game, small to large, as parameters; the last ones are beyond what the solver finishes.
BOARDS = {
    "connect4": (
        "rows=4,columns=4",
        "rows=4,columns=5",
        "rows=5,columns=5",
        "rows=5,columns=6",
        "rows=6,columns=6",
        "rows=6,columns=7",
        "rows=7,columns=8",
    )
}
SECONDS = 0.01  # a move, for every mode that takes its time
PLAYERS = ("net", f"hybrid:seconds={SECONDS}", f"search:seconds={SECONDS}", f"exact:seconds={SECONDS}")
FREE = PLAYERS[2:]
PROOFS, TRAINING = 0.3, 0.4  # shares of the time
MOST_POSITIONS = 300


def run(lab: Lab) -> Finding:
    """Prove each board's start as far as time allows; on boards of which truth is known, train a net and compare."""
    boards = BOARDS.get(lab.game.name, ())
    if not boards:
        return Finding(
            f"No other sizes of {lab.game.spec} are known here.", enough=False, lacks="boards of other sizes"
        )
    games = [load(f"{lab.game.name}:{board}") for board in boards]
    until = lab.left()
    proofs = {game.spec: _proof(game, PROOFS * until / len(games)) for game in games}
    judged = {game: labels for game in games if (labels := _labels(game))}
    minutes = minutes_that_fit(TRAINING * until / 60 / max(len(judged), 1))
    accuracies: dict[str, dict[str, float]] = {}
    sizes: dict[str, int] = {}
    for game, labels in judged.items():
        net = train(game, lab.home, minutes, 1) if minutes else None
        own = Lab(game, labels, [net] if net else [], _folder(lab, game), lab.seed)
        own.deadline = lab.deadline
        try:
            specs = PLAYERS if net else FREE
            found = [m for spec in specs for m in own.measure([spec], None if spec in FREE else net)]
        finally:
            own.close()
        n = min(len(m.kept) for m in found)
        if n:
            accuracies[game.spec] = {m.spec: m.first(n).accuracy for m in found}
            sizes[game.spec] = n
    solved = [spec for spec, (nodes, value, _) in proofs.items() if value is not None and nodes]
    names = {game.spec: f"{game.planes[1]}x{game.planes[2]}" for game in games}
    largest = names[solved[-1]] if solved else "none"
    cells = {game.spec: game.planes[1] * game.planes[2] for game in games}
    rows = [
        [
            names[game.spec],
            f"{proofs[game.spec][0]:,}" + ("" if proofs[game.spec][1] is not None else " and not done"),
            proofs[game.spec][2],
            *(f"{accuracies.get(game.spec, {}).get(spec, float('nan')):.1%}".replace("nan%", "") for spec in PLAYERS),
            str(sizes.get(game.spec, "")),
        ]
        for game in games
    ]
    answer = f"The largest board that the solver finished is {largest}"
    if accuracies:
        spec = list(accuracies)[-1]
        shares = ", ".join(f"{name.partition(':')[0]} {share:.0%}" for name, share in accuracies[spec].items())
        answer += f"; on {names[spec]}, at {1000 * SECONDS:g} ms a move, right moves are {shares}"
    finished = {spec: nodes for spec, (nodes, value, _) in proofs.items() if value is not None}
    chart = Chart(
        "Nodes to prove the outcome of the start",
        "cells of the board",
        "nodes",
        [Series("exact", [float(cells[s]) for s in finished], [float(max(n, 1)) for n in finished.values()])],
        log_x=False,
        log_y=True,
        percent=False,
    )
    table = Table(
        f"Boards, the proof of their start, and right moves at {1000 * SECONDS:g} ms a move"
        + (f", nets trained for {minutes:g} minutes" if minutes else ""),
        ["board", "nodes", "start", *(spec.partition(":")[0] for spec in PLAYERS), "n"],
        rows,
    )
    row = Row(
        "Domain",
        f"any size in part; proven in full up to {largest}",
        "any size that can be played often enough; deterministic, discrete, all in view here",
        "as the net, and search where the net is unsure",
    )
    timed = {
        "nodes": {spec: nodes for spec, (nodes, _, _) in proofs.items()},
        "accuracy": accuracies,
        "n": sizes,
        "minutes": minutes,
    }
    # One training and a few hundred positions a board, however long it may take.
    lacks = "one training and some hundred positions a board show a trend, and prove none"
    return Finding(answer + ".", row, [chart], [table], False, {}, timed, lacks=lacks)


def _proof(game: Game, seconds: float) -> tuple[int, int | None, str]:
    """(nodes, outcome or None, that in words) of a game's start."""
    Exact(game, early=False).solve(Position(game), nodes=1, outcome_only=True)  # compiles, before the clock runs
    found = Exact(game, early=False).solve(Position(game), seconds=seconds, outcome_only=True)
    words = {1: "first wins", 0: "draw", -1: "second wins", None: "unknown"}[found.value]
    return found.nodes, found.value, words


def _labels(game: Game) -> list[Label]:
    try:
        decisive = [label for label in known_labels(game) if label.decisive]
    except TandemError:
        return []
    return [decisive[i * len(decisive) // MOST_POSITIONS] for i in range(min(MOST_POSITIONS, len(decisive)))]


def _folder(lab: Lab, game: Game) -> Path:
    return lab.home / "boards" / game.spec.partition(":")[2].replace(",", "-")
