"""A net as an ONNX file, which onnxruntime and many other programs evaluate; or as a model file of half the size.

    python -m nets.export models/connect4.safetensors connect4.onnx
    python -m nets.export runs/chess small.safetensors

The second has its weights rounded to float16, and plays here as any other model; with --prior-temperature T its policy
logits are divided by T, so that a search looks beyond what a net that was taught single moves is sure of. Of the
first:

Input: `planes`, float32 [n, C, H, W]; of a sparse net `features`, int64 [n, MAX_ACTIVE], the active ones, FEATURES
where the list has ended. Outputs: `policy`, float32 [n, LOGITS] (of a sparse net [n, TERM_LOGITS]), the logits of all
actions, legal or not, and `wdl`, float32 [n, 3], the probabilities of win, draw and loss for the player to move. The
file's metadata say what it is of: game, rules_id, shape of the input, net, net_id, what the outputs mean, and the card
of the model.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from games.cli import Parser, run_main
from games.errors import TandemError
from games.files import check_output, write_atomic
from games.rng import Random
from games.rules import rules
from nets.config import NetConfig
from nets.modelfile import HALF, read_header, read_model, write_model
from nets.models import game_named, run_model

if TYPE_CHECKING:
    from games.contract import FloatArray, Game
    from nets.checkpoint import LoadedModel

WDL = "probabilities of win, draw and loss for the player to move"
POLICY = "logit policy_index(s, a) of the game's file is that of action a; a softmax over the legal ones gives priors"
SUMS = "an action's logit is the sum of those that policy_terms of the game's file writes; a softmax gives priors"
LISTED = "the active features, MAX_ACTIVE places, of which those not needed hold {}, not 0"

OPSET = 18
# Both sides add up in float32, in another order: measured at most 8e-5 on logits up to 46, 2e-6 on probabilities.
TOLERANCE = 1e-4
CHECKED = 256  # positions of random games
INSTALL = "pip install -c constraints.txt -e '.[onnx]'"


def require_extra() -> None:
    """Raise TandemError, with the command that installs them, when the packages of the extra [onnx] are missing."""
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise TandemError(f"ONNX export needs {', '.join(missing)}; install with: {INSTALL}")


def to_onnx(loaded: LoadedModel, game: Game) -> bytes:
    """The bytes of the ONNX file of a net, batch norm folded, float32, any batch size."""
    import onnx
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn

    from nets.fused import inference_copy
    from nets.layers import Listed

    class Added(nn.Module):
        """Listed as one lookup and a sum, the row that ends a list being 0; its own would be a loop over positions."""

        def __init__(self, layer: Listed) -> None:
            super().__init__()
            weight = layer.rows.weight.detach().clone()
            weight[layer.rows.padding_idx] = 0
            self.weight, self.bias = nn.Parameter(weight), layer.bias

        def forward(self, features: Tensor) -> Tensor:
            return F.relu(F.embedding(features, self.weight).sum(1) + self.bias)

    class Evaluated(nn.Module):
        """The net with its outcome as probabilities, as evaluators give it."""

        def __init__(self) -> None:
            super().__init__()
            self.net = inference_copy(loaded.model, torch.float32, torch.device("cpu"))
            if loaded.config.listed:
                layer = self.net.inputs
                assert isinstance(layer, Listed)
                self.net.inputs = Added(layer)

        def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
            policy, outcome = self.net(inputs)
            return policy, outcome.softmax(1)

    ((name, example),) = _input(loaded, np.zeros((2, *loaded.config.inputs(game).planes), np.float32)).items()

    # It speaks of torchvision, which is not needed, and of what is to change in torch itself.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Evaluated().eval(),
            (torch.from_numpy(example),),
            dynamo=True,
            input_names=[name],
            output_names=["policy", "wdl"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    for part in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.input, *proto.graph.output):
        del part.metadata_props[:]  # stack traces, with the paths of this machine
    proto.producer_name, proto.producer_version = "tandem", ""
    onnx.helper.set_model_props(proto, _metadata(loaded, game))
    return bytes(proto.SerializeToString())


def _input(loaded: LoadedModel, planes: FloatArray) -> dict[str, np.ndarray]:
    """Name and value of the exported net's only input, for these planes of NetConfig.inputs."""
    if loaded.config.listed:
        return {"features": planes.reshape(len(planes), -1).astype(np.int64)}
    return {"planes": planes}


def difference(data: bytes, loaded: LoadedModel, planes: FloatArray) -> tuple[float, float]:
    """The largest differences between onnxruntime on `data` and torch in float32: of logits, of WDL probabilities.

    planes: float32 [n, C, H, W], as NetConfig.inputs encodes them. Raises TandemError when one exceeds TOLERANCE,
    relative to values above 1.
    """
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    policy, wdl = session.run(["policy", "wdl"], _input(loaded, planes))
    with torch.inference_mode():
        logits, outcome = loaded.model(torch.from_numpy(planes))
        pairs = ((policy, logits.numpy()), (wdl, outcome.softmax(1).numpy()))
    for found, wanted in pairs:
        if not np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE):
            raise TandemError(f"{loaded.path}: onnxruntime evaluates its export to other numbers; nothing is written")
    first, second = (float(abs(found - wanted).max(initial=0)) for found, wanted in pairs)
    return first, second


def random_positions(game: Game, count: int, seed: int = 0) -> FloatArray:
    """Planes of positions of random games, float32 [count, C, H, W]."""
    rng, compiled = Random(seed), rules(game)
    states, state, ply = game.states(count), compiled.first(), 0
    for index in range(count):
        legal = compiled.legal(state) if ply < game.max_plies else []
        if not legal:
            state, ply = compiled.first(), 0
            legal = compiled.legal(state)
        states[index] = state[0]
        compiled.play(state, 0, legal[rng.below(len(legal))])
        ply += 1
    planes = np.empty((count, *game.planes), np.float32)
    compiled.encode(states, planes)
    return planes


def _metadata(loaded: LoadedModel, game: Game) -> dict[str, str]:
    """Texts; start_moves maps each legal move of the first position, as players write it, to its logit or logits."""
    first, inputs, listed = rules(game).first(), loaded.config.inputs(game), loaded.config.listed
    legal = np.array(rules(game).legal(first), np.int32)
    terms = np.zeros((len(legal), inputs.terms), np.int32)
    with np.errstate(over="ignore"):  # plain rules on 64 bits may wrap around, as compiled ones do
        inputs.policy_terms(game.record(first), legal, len(legal), terms)
    indices = terms.tolist() if listed else terms[:, 0].tolist()
    moves = [game.format_action(first, int(action)) for action in legal]
    shape = {
        "features": json.dumps({"MAX_ACTIVE": game.max_active, "FEATURES": game.feature_count}),
        "input": LISTED.format(game.feature_count),
    }
    return {
        "game": game.spec,
        "rules_id": game.rules_id,
        **(shape if listed else {"planes": json.dumps(game.planes)}),
        "logits": str(inputs.logits),
        "net": str(loaded.config),
        "net_id": loaded.net_id,
        "wdl": WDL,
        "policy": SUMS if listed else POLICY,
        "start_moves": json.dumps(dict(zip(moves, indices, strict=True))),
        "card": json.dumps(loaded.card),
    }


def _halve(path: Path, out: Path, game: Game, temperature: float) -> int:
    """Write the model with its weights in float16; TandemError for one that they do not fit."""
    header, arrays = read_model(path, game)
    if temperature != 1:
        if "heads.weight" not in arrays:
            raise TandemError(f"{path}: --prior-temperature is for perceptrons, mlp or sparse, not for {header.net}")
        for name in ("heads.weight", "heads.bias"):
            arrays[name] = arrays[name].copy()
            arrays[name][: header.logits] /= np.float32(temperature)
    with np.errstate(over="ignore"):
        halves = {name: array.astype(HALF) if array.dtype == np.float32 else array for name, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in halves.values()):
        raise TandemError(f"{path}: some of its weights are beyond 65,504, which float16 does not hold")
    card = {**header.card, "rounded_from": header.net_id}
    if temperature != 1:
        card["prior_temperature"] = temperature
    net_id = write_model(out, halves, NetConfig.parse(header.net), game, card)
    print(f"{out}: {header.net} on {game.spec}, net {net_id}, {out.stat().st_size:,} bytes")
    return 0


def main(words: Sequence[str]) -> int:
    """The command line. Returns 0; TandemError for bad input and where the export differs."""
    about, usage, more = (__doc__ or "").split("\n\n", 2)
    parser = Parser(prog="python -m nets.export", description=f"{about}\n\n{more}", epilog=f"example:\n{usage}")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model's .safetensors file, or the folder of a run")
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, .onnx or .safetensors")
    parser.add_argument(
        "--prior-temperature", type=float, default=1.0, metavar="T", help="of a .safetensors file's policy (1)"
    )
    parser.add_argument("--game", metavar="GAME", help="the file of a game of your own")
    flags = parser.parse_args(words)
    half = flags.out.suffix == ".safetensors"
    if not 0 < flags.prior_temperature < 100 or (flags.prior_temperature != 1 and not half):
        raise TandemError("--prior-temperature is a number above 0 and below 100, for .safetensors files alone")
    if not half and flags.out.suffix != ".onnx":
        raise TandemError(f"{flags.out}: what to write is said by its ending, .onnx or .safetensors")
    if flags.out.exists() and flags.model.is_file() and flags.out.samefile(flags.model):
        raise TandemError(f"{flags.out} is the model itself; name another file")
    if not half:
        require_extra()
    check_output(flags.out)
    path = run_model(flags.model) if flags.model.is_dir() else flags.model
    game = game_named(read_header(path).game, flags.game)
    if half:
        return _halve(path, flags.out, game, flags.prior_temperature)
    from nets.checkpoint import load_model  # torch takes a second to import, and a wrong word should not wait for it

    loaded = load_model(path, game)
    data = to_onnx(loaded, game)
    logits, wdl = difference(data, loaded, random_positions(loaded.config.inputs(game), CHECKED))
    write_atomic(flags.out, data)
    print(f"{flags.out}: {loaded.config} on {game.spec}, net {loaded.net_id}, {len(data):,} bytes")
    print(f"onnxruntime differs by at most {logits:.0e} in logits, {wdl:.0e} in WDL, over {CHECKED} positions")
    return 0


if __name__ == "__main__":
    run_main(main)
