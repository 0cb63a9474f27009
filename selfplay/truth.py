"""Accuracy against known truth: python -m selfplay.truth GAME SPEC... [--positions FILE].

A move keeps the value when its exact result is the position's best. Accuracy is the share of decisive positions
(those where a wrong move exists) in which a player's move keeps the value.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from games.cli import Parser, run_main
from games.contract import Game
from games.errors import TandemError
from games.loader import load
from players.player import make_player, needs_net
from players.spec import parse_spec
from selfplay.labels import Label, read_labels, solved_labels

Z = 1.959964  # two-sided 95 %
PLY_BANDS = 6  # equal spans of plies that accuracy is broken down into

EXAMPLES = """examples:
  python -m selfplay.truth tictactoe net hybrid:simulations=50
  python -m selfplay.truth connect4 net hybrid:simulations=100 search:simulations=1000 --positions labels.jsonl
"""


@dataclass(frozen=True)
class Accuracy:
    """One player on one set: kept[i] says whether its move in position i kept the value."""

    spec: str
    kept: tuple[bool, ...]
    evaluations: float  # per move
    milliseconds: float  # per move

    @property
    def share(self) -> float:
        """Accuracy in [0, 1]."""
        return sum(self.kept) / len(self.kept)

    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy."""
        return wilson(sum(self.kept), len(self.kept))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1)."""
    p, spread = successes / n, Z * Z / n
    middle = (p + spread / 2) / (1 + spread)
    half = Z * (p * (1 - p) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def judge(game: Game, spec: str, labels: Sequence[Label], model: Path | None = None, seed: int = 0) -> Accuracy:
    """Let a player move once in every labelled position, its memory cleared before each."""
    player = make_player(game, spec, model=model, seed=seed)
    kept, evaluations, seconds = [], 0, 0.0
    try:
        for label in tqdm(labels, desc=spec, leave=False, mininterval=1):
            player.new_game()
            began = time.perf_counter()
            choice = player.choose(label.position)
            seconds += time.perf_counter() - began
            evaluations += choice.result.evaluations if choice.result else 0
            kept.append(label.values[choice.action] == label.best)
    finally:
        player.close()
    return Accuracy(spec, tuple(kept), evaluations / len(labels), 1e3 * seconds / len(labels))


def table(results: Sequence[Accuracy], labels: Sequence[Label]) -> str:
    """Players as rows; accuracy with its interval, by ply, and cost as columns."""
    plies = sorted(label.position.ply for label in labels)
    last = plies[-1] + 1
    bands = [(last * i // PLY_BANDS, last * (i + 1) // PLY_BANDS) for i in range(PLY_BANDS)]
    bands = [(a, b) for a, b in bands if any(a <= ply < b for ply in plies)]
    width = max(len(r.spec) for r in results)
    heads = "".join(f"{f'{a}-{b - 1}':>7}" for a, b in bands)
    lines = [f"{'player':<{width}}  kept    95 % interval   ms/move  evaluations  plies{heads}"]
    for result in results:
        low, high = result.interval()
        cells = ""
        for a, b in bands:
            kept = [k for k, label in zip(result.kept, labels, strict=True) if a <= label.position.ply < b]
            cells += f"{sum(kept) / len(kept):>7.0%}"
        lines.append(
            f"{result.spec:<{width}}  {result.share:6.2%}  {low:6.2%}-{high:6.2%}  {result.milliseconds:8.2f}"
            f"  {result.evaluations:11.1f}       {cells}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Score players on a labelled file, or on every decisive position of a game that brute force solves."""
    parser = Parser(prog="python -m selfplay.truth", description=main.__doc__, epilog=EXAMPLES)
    parser.add_argument("game")
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="players, such as net or hybrid:simulations=100")
    parser.add_argument("--positions", type=Path, metavar="FILE", help="labelled positions (selfplay/labels.py)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="use the net of this run")
    parser.add_argument("--model", type=Path, metavar="FILE", help="use this net")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    game = load(options.game)
    if any(needs_net(game, spec) for spec in map(parse_spec, options.specs)):
        import torch

        torch.set_num_threads(1)  # positions come one at a time: a second thread costs more than it computes
    if options.run and options.model:
        raise TandemError("give --run or --model, not both")
    model = options.model
    if options.run:
        from nets.models import run_model

        model = run_model(options.run)
    known = read_labels(game, options.positions) if options.positions else list(solved_labels(game))
    labels = [label for label in known if label.decisive]
    if not labels:
        raise TandemError(f"none of the {len(known)} positions is decisive: every move keeps the value")
    results = [judge(game, spec, labels, model, options.seed) for spec in options.specs]
    print(f"{game.spec}: {len(known)} positions, {len(labels)} of them decisive")
    print(table(results, labels))
    return 0


if __name__ == "__main__":
    run_main(main)
