"""What runs on the nodes of a cluster: one actor in a process of its own, told what to do by the learner.

Plain values, arrays and bytes go to and fro. Nothing heavy is imported before `prepare`, so that a node that lacks a
package can say which.
"""

import os
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
CODE = ("games", "engine", "nets", "players", "selfplay")  # the folders that playing needs


def fingerprint(root: Path = HERE) -> str:
    """12 hex digits over every Python file of CODE under `root`: whether two machines run the same code."""
    from games.files import content_hash

    files = sorted(path for folder in CODE for path in (root / folder).rglob("*.py"))
    return content_hash(b"".join(path.relative_to(root).as_posix().encode() + path.read_bytes() for path in files))


class NodeActor:
    """Plays the games whose numbers it is given. It holds no truth: whoever lost it starts another.

    The methods of its caller's errors (TandemError) return their words in the place of a result.
    """

    def prepare(
        self, spec: str, settings: dict[str, Any], teacher: str | None, numbers: Any, code: str
    ) -> dict[str, Any] | str:
        """Import, load the game, compile its kernels; `numbers` [n] are those of the first games.

        `spec` names a game or a file beside the code, `settings` are those of TrainConfig, `code` is the learner's
        fingerprint. Returns where it runs.
        """
        import ray
        import torch

        from games.errors import TandemError
        from games.loader import load
        from nets.config import NetConfig
        from nets.evaluator import TorchEvaluator
        from nets.families import build
        from selfplay.config import TrainConfig
        from selfplay.executors import compile_kernels, make_actor

        where = ray.get_runtime_context().get_node_id()
        if (found := fingerprint()) != code:
            return f"it runs code {found} from {HERE}, not the learner's {code}; unset PYTHONPATH there"
        torch.set_num_threads(1)
        self.version = -1
        try:
            self.game, config = load(spec), TrainConfig(**settings)
            self.model = build(NetConfig.parse(config.net), self.game)
            self.evaluator = TorchEvaluator(self.model)
            if teacher is None:
                compile_kernels(self.game, config, self.model)
            # Numbers that are not leased would be games that somebody else plays: -1 is refused when it is recorded.
            self.actor = make_actor(
                self.game, config, self.evaluator, teacher, first_number=-1, stride=0, numbers=numbers.tolist()
            )
        except TandemError as error:
            return str(error)
        return {"node": where, "pid": os.getpid(), "rules_id": self.game.rules_id, "code": str(HERE)}

    def play(
        self, weights: Any, version: int, plies: int, effort: float, numbers: Any
    ) -> tuple[bytes, int, float] | str:
        """Actor.play with these weights; further games are numbered by `numbers` [n].

        `weights` are the bytes of a safetensors file as uint8 [n], `version` says when they are others. Returns the
        games as the bytes of a shard, the positions evaluated since the start, and the processor seconds used.
        """
        from safetensors.torch import load as tensors

        from games.errors import TandemError
        from selfplay.shards import to_bytes

        try:
            if version != self.version:
                self.model.load_state_dict(tensors(weights.tobytes()))
                self.evaluator.load(self.model)
                self.version = version
            self.actor.number(numbers.tolist())
            games = self.actor.play(plies, None, effort)
        except TandemError as error:
            return str(error)
        return to_bytes(games, self.game.rules_id), self.actor.evaluations, time.process_time()
