"""The order of the engine's levels: python benchmarks/levels.py [--games N] [--apart N] [GAME ...].

Each level plays the one that many above it; a game named alone has its shipped net if there is one. The score is the
higher level's, with its 95 % interval.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from games.loader import load
from games.processes import processor
from interfaces.levels import LEVELS, WITH_NET, WITHOUT
from nets.models import shipped_model
from selfplay.arena import play_match


def main() -> None:
    """Play all pairs of levels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("games", nargs="*", metavar="GAME", default=["connect4", "gomoku:size=7"])
    parser.add_argument("--games", dest="count", type=int, default=40)
    parser.add_argument("--apart", type=int, default=3)
    options = parser.parse_args()
    print(processor())
    for name in options.games:
        game = load(name)
        specs = WITH_NET if shipped_model(game) else WITHOUT
        for level in range(1, LEVELS - options.apart + 1):
            higher = level + options.apart
            found = play_match(game, specs[higher - 1], specs[level - 1], options.count, seed=level)
            print(f"{name}: level {higher} against {level}: {found.lines()[2]}", flush=True)


if __name__ == "__main__":
    main()
