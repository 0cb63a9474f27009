"""Simulations per second of mode search on every game, and a signature of the trees that it grows.

python benchmarks/bench.py [--simulations 200000]. The signature counts the nodes of one fixed search (seed, budget,
start position) and hashes their visits: it changes when selection, proofs, play-outs or the rules do, and only then.
Speed depends on the machine, the signature does not. tests/engine/test_signature.py pins it.
"""

import argparse
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import in_turn, per_second, report
from engine.position import Position
from engine.search import Search
from engine.settings import Settings
from games.loader import known_games, load
from games.processes import processor

SIGNED_SIMULATIONS, SEED = 20_000, 1


def signature(spec: str, simulations: int = SIGNED_SIMULATIONS, *, solve: bool = True) -> str:
    """Nodes and a hash over (action, visits) of every node, of one seeded search from the start position."""
    game = load(spec)
    search = Search(game, Settings("search", seed=SEED, solve=solve, early_stop=False))
    search.run(Position(game), simulations=simulations)
    tree = search.trees[0]
    nodes = tree.nodes[0, : int(tree.used[0])]
    grown = nodes["action"].astype("<i4").tobytes() + nodes["visits"].astype("<i4").tobytes()
    return f"{len(nodes)} {hashlib.sha256(grown).hexdigest()[:12]}"


def speed(spec: str, simulations: int) -> float:
    """Simulations per second from the start position, proofs and early stop off."""
    game = load(spec)
    search = Search(game, Settings("search", solve=False, early_stop=False))
    return per_second(lambda: search.run(Position(game), simulations=simulations).simulations)


def main() -> None:
    """Print both for every game."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(processor())
    names = known_games()
    report(
        in_turn({n: lambda n=n: speed(n, options.simulations) for n in names}, options.runs), "simulations/s", names[0]
    )
    for name in names:
        print(f"  {name:<34} signature {signature(name)}")


if __name__ == "__main__":
    main()
