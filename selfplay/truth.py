"""Accuracy against known truth: python -m selfplay.truth GAME SPEC... [--positions FILE] [--json FILE].

A move keeps the value when its exact result is the position's best. Accuracy is the share of decisive positions
(those where a wrong move exists) in which a player's move keeps the value; regret is the result that its moves give
away, on average, between 0 and 2. All players answer the same positions, and are compared with the first one position
by position. A player that fails to move has lost. Positions in which no move is wrong are not asked; where the set
holds some, the accuracy over all of it is reported too.

Difficulty is that of Pons' Connect Four sets, in thirds of the game's MAX_PLIES: a position is of the begin, the middle
or the end of a game by the plies played, and easy, medium or hard by the plies that perfect play still takes. Where
labels hold no distances, a position is easy where most legal moves keep the value, medium above a quarter, else hard.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from games.cli import Parser, run_main
from games.contract import Game
from games.errors import TandemError
from games.files import check_output, write_atomic
from games.loader import load
from players.process import REPLY_SECONDS
from players.spec import parse_spec
from selfplay.answers import Answer, answers
from selfplay.intervals import paired_difference, wilson
from selfplay.labels import Label, known_labels, read_labels
from selfplay.overlap import trained_on
from selfplay.rundir import GAMES
from selfplay.store import Store

PLY_BANDS = 6  # equal spans of plies that accuracy is broken down into
NOVELTY = ("never met", "trained on")  # whether the games of the run that is scored hold a position too
GROUPS = (  # that positions are reported in, with the words above each table
    ("over_all", "all together"),
    ("by_ply", "plies played"),
    ("by_difficulty", "difficulty"),
    ("by_novelty", "in the run"),
)
STAGES, LEVELS = ("begin", "middle", "end"), ("easy", "medium", "hard")
WIDTH, COLUMNS = 100, 4  # of the printed tables; players beside each other in one of them
QUIET = 0.9  # of a move's time on the clock that the processor works on it where no other program wants it

EXAMPLES = """examples:
  python -m selfplay.truth tictactoe net hybrid:simulations=50
  python -m selfplay.truth connect4 net hybrid:simulations=100 search:simulations=1000 --positions labels.jsonl
  python -m selfplay.truth connect4 hybrid:seconds=0.1 'gtp:engine --gtp' --json report.json
"""


@dataclass(frozen=True)
class Score:
    """One player's answers to a set of labelled positions, and what they were worth, entry by entry."""

    spec: str
    answers: tuple[Answer, ...]
    kept: tuple[bool, ...]
    regret: tuple[int, ...]  # best outcome less that of the move: 0, 1 or 2

    @property
    def milliseconds(self) -> float:
        """Per move."""
        return 1e3 * sum(answer.seconds for answer in self.answers) / len(self.answers)

    @property
    def core_milliseconds(self) -> float | None:
        """Processor time per move; None from a player in a process of its own."""
        told = [answer.core_seconds for answer in self.answers if answer.core_seconds is not None]
        return 1e3 * sum(told) / len(told) if told else None

    @property
    def evaluations(self) -> float | None:
        """Per move; None from a player that does not tell."""
        told = [answer.evaluations for answer in self.answers if answer.evaluations is not None]
        return sum(told) / len(told) if told else None

    @property
    def forfeits(self) -> list[str]:
        """Why the player failed, once for each position in which it did."""
        return [answer.forfeit for answer in self.answers if answer.forfeit]


def score(spec: str, given: Sequence[Answer], labels: Sequence[Label]) -> Score:
    """What a player's answers to the positions of `labels` are worth."""
    got = [-1 if a.action is None else label.values[a.action] for a, label in zip(given, labels, strict=True)]
    regret = tuple(label.best - value for label, value in zip(labels, got, strict=True))
    kept = tuple(a.action is not None and lost == 0 for a, lost in zip(given, regret, strict=True))
    return Score(spec, tuple(given), kept, regret)


def by_ply(labels: Sequence[Label]) -> dict[str, list[int]]:
    """Indices of the labels in each of PLY_BANDS equal spans of plies, by "first-last"."""
    end = max(label.position.ply for label in labels) + 1
    edges = [end * i // PLY_BANDS for i in range(PLY_BANDS + 1)]
    names = {ply: f"{a}-{b - 1}" if b - a > 1 else f"{a}" for a, b in pairwise(edges) for ply in range(a, b)}
    return _grouped(labels, lambda label: names[label.position.ply], list(names.values()))


def by_difficulty(game: Game, labels: Sequence[Label]) -> dict[str, list[int]]:
    """Indices of the labels of each difficulty, as the module defines it, by name."""
    third = game.max_plies / 3

    def by_distance(label: Label) -> str:
        stage = STAGES[sum(label.position.ply > third * i for i in (1, 2))]
        return f"{stage} {LEVELS[sum((label.plies or 0) >= third * i for i in (1, 2))]}"

    def by_choice(label: Label) -> str:
        share = sum(value == label.best for value in label.values.values()) / len(label.values)
        return LEVELS[(share <= 1 / 2) + (share <= 1 / 4)]

    if any(label.plies is None for label in labels):
        return _grouped(labels, by_choice, LEVELS)
    return _grouped(labels, by_distance, [f"{stage} {level}" for stage in STAGES for level in LEVELS])


def _grouped(labels: Sequence[Label], name_of: Callable[[Label], str], order: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {name: [] for name in order}
    for i, label in enumerate(labels):
        found[name_of(label)].append(i)
    return {name: indices for name, indices in found.items() if indices}


def figures(scores: Sequence[Score], indices: Sequence[int]) -> list[dict[str, Any]]:
    """Of each player on the positions of these indices: accuracy, regret, and how far it lies above the first one."""
    first = [scores[0].kept[i] for i in indices]
    found = []
    for s in scores:
        kept = [s.kept[i] for i in indices]
        low, high = wilson(sum(kept), len(kept))
        numbers: dict[str, Any] = {"accuracy": sum(kept) / len(kept), "accuracy_low": low, "accuracy_high": high}
        numbers["regret"] = sum(s.regret[i] for i in indices) / len(indices)
        if s is not scores[0]:
            difference, (low, high) = paired_difference(first, kept)
            numbers |= {"difference": difference, "difference_low": low, "difference_high": high}
        found.append(numbers)
    return found


def over_all(score: Score, known: int) -> dict[str, float]:
    """Accuracy over `known` positions, those in which no move is wrong counted as right without asking."""
    right = known - score.kept.count(False)
    low, high = wilson(right, known)
    return {"accuracy": right / known, "accuracy_low": low, "accuracy_high": high}


def report(
    game: Game, scores: Sequence[Score], labels: Sequence[Label], known: int, seed: int, trained: Sequence[bool] = ()
) -> dict[str, Any]:
    """Every figure, as JSON holds it; shares in [0, 1], differences to the first player.

    `trained` tells which positions the run's games hold too, where that is known.
    """
    groups = {"by_ply": by_ply(labels), "by_difficulty": by_difficulty(game, labels)}
    if len(trained):
        members = {name: [i for i, met in enumerate(trained) if met == bool(k)] for k, name in enumerate(NOVELTY)}
        groups["by_novelty"] = {name: indices for name, indices in members.items() if indices}
    players = figures(scores, range(len(labels)))
    for s, numbers in zip(scores, players, strict=True):
        numbers |= {"milliseconds": s.milliseconds, "core_milliseconds": s.core_milliseconds}
        numbers |= {"evaluations": s.evaluations, "forfeits": len(s.forfeits)}
    found: dict[str, Any] = {"game": game.spec, "seed": seed, "positions": known, "decisive": len(labels)}
    found["players"] = [{"spec": s.spec, **numbers} for s, numbers in zip(scores, players, strict=True)]
    if known > len(labels):
        found["over_all"] = [{"name": "all", "positions": known, "players": [over_all(s, known) for s in scores]}]
    for kind, members in groups.items():
        found[kind] = [
            {"name": name, "positions": len(indices), "players": figures(scores, indices)}
            for name, indices in members.items()
        ]
    return found


def tables(found: dict[str, Any]) -> list[str]:
    """The lines of a report for people, at most WIDTH columns wide."""
    players, letters = found["players"], [_letter(i) for i in range(len(found["players"]))]
    lines = [f"{found['game']}: {found['positions']} positions, {found['decisive']} of them decisive", ""]
    for letter, p in zip(letters, players, strict=True):
        spec = p["spec"]
        lines.append(f"{letter:<2} {spec if len(spec) <= WIDTH - 3 else spec[: WIDTH - 6] + '...'}")
    above = f"above {letters[0]} (95 % interval)" if len(players) > 1 else ""
    lines += [
        "",
        f"{'':2} {'accuracy (95 % interval)':<24}  {above:<26}  {'regret':>6}  {'ms/move':>9}  evaluations/move",
    ]
    for letter, p in zip(letters, players, strict=True):
        share = f"{p['accuracy']:7.2%} ({100 * p['accuracy_low']:.2f}-{100 * p['accuracy_high']:.2f})"
        difference = ""
        if "difference" in p:
            low, high = 100 * p["difference_low"], 100 * p["difference_high"]
            difference = f"{p['difference']:+7.2%} ({low:+.2f} to {high:+.2f})"
        evaluations = "-" if p["evaluations"] is None else f"{p['evaluations']:,.1f}"
        cost = f"{p['regret']:6.3f}  {p['milliseconds']:9.2f}  {evaluations:>16}"
        lines.append(f"{letter:<2} {share:<24}  {difference:<26}  {cost}")
    for kind, words in GROUPS:
        if kind not in found:
            continue
        for at in range(0, len(players), COLUMNS):
            lines += ["", f"{words:<13} {'positions':>9}  " + "".join(f"{c:<19}" for c in letters[at : at + COLUMNS])]
            for group in found[kind]:
                cells = "".join(f"{_cell(p):<19}" for p in group["players"][at : at + COLUMNS])
                lines.append(f"{group['name']:<13} {group['positions']:>9}  {cells}")
    told = [(p["milliseconds"], p["core_milliseconds"]) for p in players if p["core_milliseconds"] is not None]
    worked = sum(core for _, core in told) / max(sum(clock for clock, _ in told), 1e-9)
    if told and worked < QUIET:
        lines += ["", f"other programs kept the processor busy: on a quiet machine some {worked:.0%} of these ms/move"]
    return [line.rstrip() for line in lines]


def _cell(p: dict[str, Any]) -> str:
    return f"{100 * p['accuracy']:5.1f} ({100 * p['accuracy_low']:.1f}-{100 * p['accuracy_high']:.1f})"


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else str(i + 1)


def main(arguments: list[str]) -> int:
    """Score players on a labelled file, or on what is known of the game: see selfplay/labels.py."""
    parser = Parser(prog="python -m selfplay.truth", description=main.__doc__, epilog=EXAMPLES)
    parser.add_argument("game")
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="players; the others are compared with the first")
    parser.add_argument("--positions", type=Path, metavar="FILE", help="labelled positions (selfplay/labels.py)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--run", type=Path, metavar="DIR", help="use the net of this run")
    parser.add_argument("--model", type=Path, metavar="FILE", help="use this net")
    parser.add_argument("--seed", type=int, metavar="S", default=0, help="repeats counted budgets (%(default)s)")
    parser.add_argument("--workers", type=int, metavar="W", help="processes (one for each core)")
    parser.add_argument(
        "--reply-seconds", type=float, metavar="S", default=REPLY_SECONDS, help="of an engine (%(default)s)"
    )
    options = parser.parse_args(arguments)
    game, specs = load(options.game), [parse_spec(spec) for spec in options.specs]
    if options.reply_seconds <= 0 or not 0 <= options.seed < 2**64:
        raise TandemError("--reply-seconds must be above 0, --seed a whole number from 0 to 2**64 - 1")
    if options.run and options.model:
        raise TandemError("give --run or --model, not both")
    model = options.model
    if options.run:
        from nets.models import run_model

        model = run_model(options.run)
    if options.json:
        check_output(options.json)
    known = read_labels(game, options.positions) if options.positions else known_labels(game)
    labels = [label for label in known if label.decisive]
    if not labels:
        raise TandemError(f"none of the {len(known)} positions is decisive: every move keeps the value")
    given = answers(
        game,
        specs,
        [label.position for label in labels],
        model=model,
        seed=options.seed,
        workers=options.workers,
        reply_seconds=options.reply_seconds,
        progress=True,
    )
    scores = [score(str(spec), row, labels) for spec, row in zip(specs, given, strict=True)]
    trained = trained_on(game, Store(options.run / GAMES, game.rules_id), labels).tolist() if options.run else []
    found = report(game, scores, labels, len(known), options.seed, trained)
    lines = tables(found)
    for i, s in enumerate(scores):
        for reason, count in Counter(s.forfeits).most_common(3):
            lines.append(f"{_letter(i)} failed in {count} positions, counted as lost: {reason}")
    print("\n".join(lines))
    if options.json:
        write_atomic(options.json, (json.dumps(found, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    run_main(main)
