"""Elo over the checkpoints of a run: matches between the rungs of its ladder and with an anchor, kept in the run.

Neighbours meet first at a distance, the oldest, the middle and the newest, then at half of it, and so on, so that a
short time gives a coarse curve and more of it a finer one; then they all meet again. Each block of pairs is a line of
matches.jsonl, appended whole: reports of the same run side by side lose nothing.
"""

import itertools
import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from games.contract import Game
from games.errors import TandemError
from games.files import read_ordinary, reason
from games.loader import load
from games.processes import cores
from nets.modelfile import read_header
from players.elo import Z
from players.match import Table as MatchTable
from players.match import openings
from players.player import needs_net, needs_torch
from players.process import REPLY_SECONDS
from players.ratings import bradley_terry, linked
from players.ready import compile_player
from players.spec import parse_spec
from selfplay.arena import DEFAULT_OPENING_PLIES
from selfplay.pool import Desk, in_processes
from selfplay.report.curves import MINUTES
from selfplay.report.figures import Chart, Series, Table
from selfplay.rundir import RunDir, cut_torn_line

PLAYER, ANCHOR = "hybrid:simulations=50", "search:simulations=1000"
BLOCK, MOST_PAIRS = 5, 30  # pairs that two players meet in between two others' turn, and in all
MOST_MATCHES = 64 << 20  # bytes of their file
ANCHORED = 5  # rungs that meet the anchor
SEED = 0


@dataclass(frozen=True)
class Rung:
    """A checkpoint, and what it cost."""

    net_id: str
    steps: int
    minutes: float

    @classmethod
    def read(cls, path: Path, game: Game) -> "Rung":
        """Raises TandemError for a file that is no net of this game's run."""
        header = read_header(path)
        if header.rules_id != game.rules_id:
            raise TandemError(f"{path}: a net for {header.rules_id}, not for {game.rules_id}")
        return cls(header.net_id, int(header.card.get("steps", int(path.stem))), float(header.card.get("minutes", 0)))


class Matches:
    """The pairs that were played: scores of the first of two players, by their names; nets go by their net ids."""

    def __init__(self, run: RunDir, player: str, anchor: str) -> None:
        self.path, self.player, self.anchor = run.matches, player, anchor
        self.rungs: dict[str, Rung] = {}
        self.scores: dict[tuple[str, str], dict[int, float]] = {}
        for line in _lines(self.path):
            self._add(line)

    def _add(self, line: Any) -> None:
        """Take a line in; one of other players, or that is damaged, is passed over."""
        try:
            if line["player"] != self.player or line["seed"] != SEED or line["version"] != 1:
                return
            a, b, scores = str(line["a"]), str(line["b"]), {int(k): float(v) for k, v in line["pairs"].items()}
            rungs = [Rung(str(r["net_id"]), int(r["steps"]), float(r["minutes"])) for r in line["rungs"]]
        except (TypeError, KeyError, ValueError, AttributeError):
            return
        if {a, b} - {rung.net_id for rung in rungs} <= {self.anchor} and all(0 <= s <= 1 for s in scores.values()):
            self.rungs |= {rung.net_id: rung for rung in rungs}
            self.scores.setdefault((a, b), {}).update(scores)

    def keep(self, rungs: Sequence[Rung], pair: tuple[str, str], pairs: dict[int, float]) -> None:
        """Add pairs by number, here and to the file. Raises TandemError when it cannot be written."""
        line = {
            "version": 1,
            "player": self.player,
            "seed": SEED,
            "a": pair[0],
            "b": pair[1],
            "rungs": [vars(rung) for rung in rungs],
            "pairs": {str(number): score for number, score in sorted(pairs.items())},
        }
        self._add(line)
        try:
            if self.path.exists():
                cut_torn_line(self.path)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise TandemError(f"cannot write {self.path}: {reason(error)}") from error

    def ratings(self) -> tuple[list[tuple[Rung, float, float]], tuple[float, float] | None]:
        """(rung, Elo above the oldest, half of its 95 % interval) by step, and the anchor's; none of no matches."""
        met = {pair: list(found.values()) for pair, found in self.scores.items() if found}
        there = [self.rungs[name] for pair in met for name in pair if name in self.rungs]
        if not there:
            return [], None
        base = min(there, key=lambda rung: rung.steps)
        together = linked(base.net_id, met)
        met = {pair: scores for pair, scores in met.items() if pair[0] in together}
        names = [*sorted(together - {base.net_id}), base.net_id]
        place = {name: i for i, name in enumerate(names)}
        who = np.array([[place[a], place[b]] for a, b in met])
        counts, won = (np.array([f(scores) for scores in met.values()], np.float64) for f in (len, sum))
        elo, covariance = bradley_terry(who, counts, won)
        half = Z * np.sqrt(np.diag(covariance))
        rated = {name: (float(e), float(h)) for name, e, h in zip(names[:-1], elo, half, strict=True)}
        rated[base.net_id] = 0.0, 0.0
        rungs = sorted((self.rungs[name] for name in names if name in self.rungs), key=lambda rung: rung.steps)
        return [(rung, *rated[rung.net_id]) for rung in rungs], rated.get(self.anchor)

    def games(self) -> int:
        """Games played."""
        return 2 * sum(map(len, self.scores.values()))

    def chart(self) -> Chart:
        """Elo over minutes of training."""
        rated, anchor = self.ratings()
        x, y = [rung.minutes for rung, *_ in rated], [elo for _, elo, _ in rated]
        low, high = ([elo + sign * half for _, elo, half in rated] for sign in (-1, 1))
        series = [Series(self.player, x, y, low, high)]
        if anchor and x:
            ends = [x[0], x[-1]]
            series.append(
                Series(self.anchor, ends, [anchor[0]] * 2, [anchor[0] - anchor[1]] * 2, [anchor[0] + anchor[1]] * 2)
            )
        return Chart(
            "Elo over checkpoints", MINUTES, "Elo above the oldest", series, log_x=False, from_zero=True, percent=False
        )

    def table(self) -> Table:
        """The same in figures."""
        rated, anchor = self.ratings()
        games = {name: 2 * sum(len(f) for pair, f in self.scores.items() if name in pair) for name in self.rungs}
        rows = [
            [f"{r.steps:,}", f"{r.minutes:.1f}", _elo(elo, half), f"{games[r.net_id]}", r.net_id]
            for r, elo, half in rated
        ]
        if anchor:
            count = 2 * sum(len(found) for pair, found in self.scores.items() if self.anchor in pair)
            rows.append(["", "", _elo(*anchor), f"{count}", self.anchor])
        columns = ["step", "minutes", "Elo above the oldest (95 %)", "games", "player"]
        return Table(f"Checkpoints as {self.player}", columns, rows)


def _elo(elo: float, half: float) -> str:
    return f"{elo:+.0f} ({elo - half:+.0f} to {elo + half:+.0f})" if half else "0"


def _lines(path: Path) -> list[Any]:
    try:
        data = read_ordinary(path, MOST_MATCHES)
    except OSError:
        return []
    found = []
    for line in data.split(b"\n"):
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return found


def order(count: int) -> list[tuple[int, int]]:
    """Which of so many rungs meet, coarse to fine; -1 stands for the anchor."""
    links: list[tuple[int, int]] = []
    level = 0
    while count > 1 and (not links or 2 ** (level - 1) < count - 1):
        picked = sorted({round(i * (count - 1) / 2**level) for i in range(2**level + 1)})
        links += itertools.pairwise(picked)
        if len(picked) <= ANCHORED:
            links += [(i, -1) for i in picked]
        level += 1
    return list(dict.fromkeys(links)) if count > 1 else [(0, -1)] * count


def play(game: Game, run: RunDir, matches: Matches, minutes: float, *, progress: bool = False) -> None:
    """Play the ladder's matches that are not there yet, for so many minutes at most, and keep each block.

    Raises TandemError for a player that cannot play this game.
    """
    until = time.monotonic() + 60 * minutes
    player, anchor = parse_spec(matches.player), parse_spec(matches.anchor)
    if not needs_net(game, player) or player.model is not None:
        raise TandemError(f"{player} plays without a checkpoint; name a player such as {PLAYER} or net")
    if minutes <= 0:
        return
    with TemporaryDirectory() as folder:  # training may thin the ladder meanwhile
        rungs, paths = _copied(run, game, Path(folder))
        if not rungs:
            return
        plies = min(DEFAULT_OPENING_PLIES, game.max_plies // 4)
        lines = list(dict.fromkeys(map(tuple, openings(game, MOST_PAIRS, plies, SEED))))
        specs = [str(player.with_options(model=path)) for path in paths] + [matches.anchor]
        names = [rung.net_id for rung in rungs] + [matches.anchor]
        links = [(a, b) for a, b in order(len(rungs)) if names[a] != names[b]]
        tasks = [
            (names[a], names[b], specs[a], specs[b], number, list(lines[number]))
            for block in range(0, len(lines), BLOCK)
            for a, b in links
            for number in range(block, min(block + BLOCK, len(lines)))
            if number not in matches.scores.get((names[a], names[b]), {})
        ]
        if not tasks:
            return
        compile_player(game, parse_spec(specs[0]))
        compile_player(game, anchor)
        known, done = {rung.net_id: rung for rung in rungs}, dict[tuple[str, str], dict[int, float]]()
        workers = min(cores(), len(tasks))

        def keep(pair: tuple[str, str]) -> None:
            matches.keep([known[name] for name in pair if name in known], pair, done.pop(pair))

        work: Callable[..., Desk] = _desk
        with (
            closing(in_processes(work, (game.spec, specs[0]), tasks, workers)) as results,
            tqdm(total=2 * len(tasks), unit="game", disable=not progress, desc="ladder") as bar,
        ):
            try:
                for a, b, number, score in results:
                    done.setdefault((a, b), {})[number] = score
                    bar.update(2)
                    if len(done[a, b]) == BLOCK:
                        keep((a, b))
                    if time.monotonic() > until:
                        break
            finally:  # on Ctrl-C, too
                for pair in list(done):
                    keep(pair)


def _copied(run: RunDir, game: Game, folder: Path) -> tuple[list[Rung], list[Path]]:
    """The ladder's rungs and copies of their files, oldest first; those that are damaged or gone are left out."""
    rungs, paths = [], []
    for path in run.ladder():
        try:
            copy = folder / path.name
            shutil.copyfile(path, copy)
            rungs.append(Rung.read(copy, game))
            paths.append(copy)
        except (OSError, TandemError):
            continue
    return rungs, paths


def _desk(game_spec: str, spec: str) -> Desk:
    """A worker process: one pair of games between any two players at a time."""
    game = load(game_spec)
    if needs_torch(game, parse_spec(spec)):
        import torch

        torch.set_num_threads(1)

    def work(
        a: str, b: str, spec_a: str, spec_b: str, number: int, opening: list[int], stop: Callable[[], bool]
    ) -> tuple[str, str, int, float] | None:
        with closing(MatchTable(game, (parse_spec(spec_a), parse_spec(spec_b)), SEED, REPLY_SECONDS)) as table:
            pair = table.play_pair(number, opening, stop)
        return None if pair is None else (a, b, number, pair.score)

    return work, lambda: None
