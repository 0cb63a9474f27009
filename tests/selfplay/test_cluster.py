"""Over a Ray cluster of nodes on this machine: actors, nodes and the learner die, nodes join, every game comes once."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games.errors import TandemError
from games.loader import load
from games.rng import seed_for
from nets.checkpoint import model_net_id
from nets.config import NetConfig
from nets.families import build
from selfplay.node import CODE
from selfplay.records import GameBatch
from selfplay.store import Store
from tests.selfplay.helpers import STONES, tiny, write_game

ROOT = Path(__file__).resolve().parents[2]
GAME = load("tictactoe")
CONFIG = tiny(GAME, executor="ray", plies_per_round=0)
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'")


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A head and one more node, of one core each, closed to whoever does not know a fresh token."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # before Ray is imported, which reads these
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


class Watch:
    """A learner's view: it plays round after round, and keeps the books beside the executor's own."""

    def __init__(self, executor: Any, first: int) -> None:
        self.executor, self.first = executor, first
        self.batches: list[GameBatch] = []

    def until(self, reached: Callable[[], bool]) -> None:
        """Play until that is so."""
        deadline = time.monotonic() + 100
        while not reached():
            assert time.monotonic() < deadline
            self.batches.append(self.executor.play(100, reached, 1.0))
            assert max(member.queued for member in self.executor.members) <= 2

    def playing(self) -> int:
        """Actors that are no understudies and have played."""
        return sum(member.stands_by is None and member.played_at > 0 for member in self.executor.members)

    def check(self) -> None:
        """Every game that was handed out came once, and whatever number is missing is still to be played."""
        games = GameBatch.concat(self.batches)
        numbers = games.number.tolist()
        assert len(numbers) == len(set(numbers)) == self.executor.counts.games > 50
        assert [int(seed) for seed in games.seed] == [seed_for(CONFIG.seed, number) for number in numbers]
        ledger = self.executor._ledger
        elsewhere = np.concatenate([ledger._lost, *ledger._leased.values()]).tolist()
        assert sorted([*numbers, *elsewhere]) == list(range(self.first, ledger._next))
        assert self.executor.counts.repeated == 0


@needs_ray
@pytest.mark.slow
def test_actors_and_nodes_die_and_join_and_every_game_comes_once(nodes: Any) -> None:
    from ray import wait as wait_for_calls

    from selfplay.cluster import RayExecutor

    models = [build(NetConfig.parse(CONFIG.net), GAME, seed=seed) for seed in range(2)]
    executor = RayExecutor(GAME, CONFIG, models[0], 40, None, nodes.address)
    try:
        executor.wait(never)
        watch = Watch(executor, 40)
        watch.until(lambda: watch.playing() == 2 and executor.counts.ready == 4)
        assert len({member.node for member in executor.members}) == 2
        assert sum(member.stands_by is not None for member in executor.members) == 2
        assert all("/_ray_pkg_" in member.code for member in executor.members), "the code comes by runtime_env"
        assert executor.evaluations > 0
        assert executor.core_seconds > 0

        executor.load(models[1])
        watch.until(lambda: bool(watch.batches) and model_net_id(models[1]) in watch.batches[-1].texts)

        wait_for_calls(list(executor._calls), num_returns=len(executor._calls), timeout=60)
        watch.batches.append(executor.play(1, never, 1.0))
        assert sum(member.queued for member in executor.members) > 0, "what has come beyond the plies waits"

        killed = next(member for member in executor.members if not member.stands_by)
        before = executor.evaluations
        os.kill(killed.pid, signal.SIGKILL)
        watch.until(lambda: executor.counts.died == 1)
        watch.until(lambda: watch.playing() == 2)
        assert killed not in executor.members
        assert executor.evaluations >= before
        watch.check()

        nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
        watch.until(lambda: executor._wanted() == 1 and len(executor.members) == 2)
        games = executor.counts.games
        watch.until(lambda: executor.counts.games > games + 20)

        nodes.add_node(num_cpus=1)
        watch.until(lambda: watch.playing() == 2)
        watch.check()
        began = time.monotonic()
        assert len(executor.play(10**9, lambda: True, 1.0)) == 0
        assert time.monotonic() - began < 10
    finally:
        executor.close()


@needs_ray
@pytest.mark.slow
def test_a_node_with_other_code_is_refused(nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from selfplay import cluster

    monkeypatch.setattr(cluster, "fingerprint", lambda: "0123456789ab")
    model = build(NetConfig.parse(CONFIG.net), GAME)
    executor = cluster.RayExecutor(GAME, CONFIG, model, 0, None, nodes.address)
    with pytest.raises(
        TandemError, match=r"it runs code [0-9a-f]{12} from .*_ray_pkg_.*, not the learner's 0123456789ab"
    ):
        executor.wait(never)
    executor.close()


@needs_ray
@pytest.mark.slow
def test_the_learner_is_killed_and_goes_on(nodes: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [
        sys.executable,
        "train.py",
        "tictactoe",
        "--net",
        "mlp:16",
        "--executor",
        "ray",
        "--address",
        nodes.address,
    ]
    words += ["--games-per-actor", "16", "--simulations", "24", "--proof-nodes", "0", "--plies-per-round", "500"]
    words += ["--batch", "32", "--checkpoint-seconds", "1", "--strength-seconds", "1000", "--run", str(run)]
    program = subprocess.Popen(
        [*words, "--minutes", "5"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 100
    while len(list((run / "checkpoints").glob("0*"))) < 2:
        assert program.poll() is None, program.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program.kill()
    program.communicate()
    published = numbers_of(run)
    assert len(published) > 20
    done = subprocess.run(
        [*words, "--games", str(len(published) + 500)], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    numbers = numbers_of(run)
    assert numbers[: len(published)] == published
    assert len(set(numbers)) == len(numbers) >= len(published) + 500
    rounds = [event for event in map(json.loads, (run / "log.jsonl").read_text().splitlines()) if "games" in event]
    assert rounds[-1]["games"] == len(numbers)
    steps = [event["steps"] for event in rounds]
    assert steps[-1] > 0
    assert max(steps) == steps[-1]


def numbers_of(run: Path) -> list[int]:
    """Of all games in a run's store, in the order of its shards."""
    return [n for _, batch in Store(run / "games", GAME.rules_id).new_batches() for n in batch.number.tolist()]


def test_what_a_node_gets_is_enough_and_no_more(tmp_path: Path) -> None:
    """A game of one's own, with a module beside it; loaded there in a process that knows no other folder."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install -e '.[ray]'")
    from selfplay.cluster import pack

    source = STONES.replace("import numpy as np\n", "import numpy as np\n\nfrom stones_size import SIZE\n")
    source = source.replace("import SIZE\n", "import SIZE\n\nMORE = PARAMS.get('more', 0)\n")
    source = source.replace("s.stones = 11", "s.stones = SIZE - 1 + MORE")
    home, packed = tmp_path / "home", tmp_path / "packed"
    home.mkdir()
    packed.mkdir()
    (home / "stones_size.py").write_text("SIZE = 11\n")
    (home / "diary.txt").write_text("not for others")
    game = load(write_game(home, "stones", source) + ":more=1")
    spec = pack(game, "net", packed)
    assert spec == "own/stones.py:more=1"
    assert sorted(path.name for path in packed.iterdir()) == sorted([*CODE, "own"])
    assert sorted(path.name for path in (packed / "own").iterdir()) == ["stones.py", "stones_size.py"]
    code = f"from games.loader import load; from selfplay.node import fingerprint; print(load({spec!r}).rules_id)"
    code += "; print(fingerprint())"
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=packed, env=bare, capture_output=True, text=True, timeout=120
    )
    from selfplay.node import fingerprint

    assert found.stdout.split("\n")[:2] == [game.rules_id, fingerprint()], found.stderr
    net = tmp_path / "net"
    net.mkdir()
    assert pack(GAME, "net", net) == "tictactoe"
    assert sum(path.stat().st_size for path in net.rglob("*") if path.is_file()) < 4 << 20
    assert [path.name for path in (net / "models").iterdir()] == ["tictactoe.safetensors"]
    assert not [path for path in net.rglob("*") if path.name in ("__pycache__", ".git", "runs", "positions")]
