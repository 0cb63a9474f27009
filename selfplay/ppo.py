"""Learning without search: proximal policy optimisation (PPO; Schulman et al. 2017) in self-play.

The other half of the comparison that the search loop begs for: the same net, rules, openings and clock, and no tree. A
net plays itself by drawing moves from its policy; what it then expected and what came of it say which moves to make
likelier. Players alternate and one's gain is the other's loss, so that a ply later the same value has the other sign;
else this is the algorithm as published, advantages by generalised estimation (GAE; Schulman et al. 2016, equation 16),
one round's games used for a few epochs and then forgotten.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.evaluator import inputs_of
from games.compiler import kernel, part
from games.contract import FloatArray, Game
from games.errors import TandemError
from games.processes import cores
from games.rng import uniform
from nets.evaluator import TorchEvaluator, fast_bf16
from selfplay.budget import Budget
from selfplay.config import TrainConfig
from selfplay.loop import NO_STEPS, Loop, Work
from selfplay.opening import derived_seed, opening
from selfplay.reading import Source
from selfplay.rundir import RunDir
from selfplay.trainer import Losses, Trainer

SIDE = np.dtype([("rng", "u8", (1,)), ("ply", "i4")])  # of a game under way
LEAST_LOGIT = -1e9  # of an illegal move
MOST_NORM = 0.5  # of a gradient; longer ones are cut, as in the authors' code


@dataclass(frozen=True)
class Rollout:
    """`steps` moves in each of `games` games, as they were made; arrays are [steps, games, ...]."""

    planes: FloatArray  # [..., channels, rows, columns]
    legal: npt.NDArray[np.bool_]  # [..., LOGITS]
    chosen: npt.NDArray[np.int64]  # logit of the move made
    wdl: FloatArray  # [steps + 1, games, 3]: what the net expected, after the last move too
    ended: npt.NDArray[np.bool_]  # whether that move ended its game
    outcome: npt.NDArray[np.int8]  # then, for the player who made it
    finished: int  # games
    plies: int  # of the finished games, random openings included
    drawn: int  # of these
    won: int  # by who began, less those lost

    def game_scalars(self) -> dict[str, float]:
        """The figures of the finished games by the names of gamestats.game_scalars; openings are not kept here."""
        if not self.finished:
            return {}
        return {
            "games/mean_plies": self.plies / self.finished,
            "games/draws": self.drawn / self.finished,
            "games/first_player_score": self.won / self.finished / 2 + 0.5,
        }


@cache
def sampling_kernels(game: Game) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """(begin, look, act), compiled for a game: begin every game, encode the positions, make a move in each."""
    open_game, legal, play, outcome = opening(game), game.legal, game.play, game.outcome
    encode, policy_index, max_legal, max_plies = game.encode, game.policy_index, game.max_legal, game.max_plies

    @part(game)
    def new_game(g: Any, games: Any, side: Any, next_number: Any, seed: Any, share: Any, most: Any) -> None:
        """The next game's first position, its random opening played."""
        states, histories, counts, actions = games
        moves = np.empty(max_legal, np.int32)
        side.rng[0] = derived_seed(seed, next_number[0])
        next_number[0] += 1
        side.ply = open_game(states, histories, counts, actions, g, moves, side.rng, share, most)

    @kernel(game)
    def begin(games: Any, sides: Any, next_number: Any, seed: Any, share: Any, most: Any) -> None:
        """next_number int64 [1]: of the next game to begin, whose random numbers it and `seed` decide."""
        for i in range(sides.shape[0]):
            new_game(i, games, sides[i], next_number, seed, share, most)

    @kernel(game)
    def look(states: Any, planes: Any, legal_logits: Any) -> None:
        """Write every position's planes, and which logits are legal there (bool [games, LOGITS])."""
        moves = np.empty(max_legal, np.int32)
        for i in range(states.shape[0]):
            encode(states[i], planes[i])
            legal_logits[i] = False
            for j in range(legal(states[i], moves)):
                legal_logits[i, policy_index(states[i], moves[j])] = True

    @kernel(game)
    def act(
        games: Any, sides: Any, logits: Any, chosen: Any, ended: Any, result: Any, finished: Any, next_number: Any,
        seed: Any, share: Any, most: Any
    ) -> None:  # fmt: skip
        """Draw every game a move from the softmax over its legal logits, make it, and begin anew where it was the last.

        chosen int64, ended bool and result int8 [games] are a Rollout's; finished int64 [4] counts games, plies, draws
        and the first player's wins less its losses.
        """
        states = games[0]
        moves, weights = np.empty(max_legal, np.int32), np.empty(max_legal, np.float64)
        for i in range(states.shape[0]):
            s, side = states[i], sides[i]
            n = legal(s, moves)
            high = -np.inf
            for j in range(n):
                high = max(high, np.float64(logits[i, policy_index(s, moves[j])]))
            total = 0.0
            for j in range(n):
                weights[j] = np.exp(logits[i, policy_index(s, moves[j])] - high)
                total += weights[j]
            point = uniform(side.rng) * total
            pick = 0
            while pick < n - 1 and point >= weights[pick]:
                point -= weights[pick]
                pick += 1
            chosen[i] = policy_index(s, moves[pick])
            play(s, moves[pick])
            side.ply += 1
            over = legal(s, moves) == 0
            ended[i] = over or side.ply >= max_plies
            result[i] = -np.int64(outcome(s)) if over else 0
            if ended[i]:
                finished[0] += 1
                finished[1] += side.ply
                finished[2] += result[i] == 0
                finished[3] += result[i] if side.ply % 2 == 1 else -result[i]
                new_game(i, games, side, next_number, seed, share, most)

    return begin, look, act


class Sampler:
    """Games under way in which both sides draw their moves from a net's policy."""

    def __init__(self, game: Game, config: TrainConfig, evaluator: TorchEvaluator, first_number: int) -> None:
        if game.repetition:
            raise TandemError(f"--learner ppo does not know repeated positions, which end games of {game.name}")
        games = config.games_per_actor
        self.game, self.config, self.evaluator, self.evaluations = game, config, evaluator, 0
        self.inputs = inputs_of(game, evaluator)
        if self.inputs.terms > 1:
            raise TandemError(
                f"--learner ppo draws moves that have a logit each; {game.name}'s sparse nets sum several"
            )
        begin, self.look, self.act = sampling_kernels(self.inputs)
        self.states, self.sides = game.states(games), np.zeros(games, SIDE)
        self.next_number, self.seed = np.array([first_number], np.int64), np.uint64(config.seed)
        # What an opening is played into; nobody asks for its moves, and repetition was refused.
        history, counts = np.zeros((games, 1), np.uint64), np.zeros(games, np.int64)
        self.games = self.states, history, counts, np.zeros((games, game.max_plies), np.int32)
        begin(self.games, self.sides, self.next_number, self.seed, config.opening_share, config.opening_plies)

    def play(self, steps: int) -> Rollout:
        """That many moves in every game."""
        games, c = len(self.states), self.config
        planes = np.zeros((steps, games, *self.inputs.planes), np.float32)
        legal = np.zeros((steps, games, self.game.logits), np.bool_)
        chosen, ended = np.zeros((steps, games), np.int64), np.zeros((steps, games), np.bool_)
        outcome, wdl = np.zeros((steps, games), np.int8), np.zeros((steps + 1, games, 3), np.float32)
        logits, last = (
            np.zeros((games, self.game.logits), np.float32),
            np.zeros((games, *self.inputs.planes), np.float32),
        )
        finished = np.zeros(4, np.int64)
        for t in range(steps):
            self.look(self.states, planes[t], legal[t])
            self.evaluator.evaluate(planes[t], logits, wdl[t])
            self.act(
                self.games, self.sides, logits, chosen[t], ended[t], outcome[t], finished, self.next_number,
                self.seed, c.opening_share, c.opening_plies,
            )  # fmt: skip
        self.look(self.states, last, np.zeros_like(legal[0]))
        self.evaluator.evaluate(last, logits, wdl[steps])
        self.evaluations += (steps + 1) * games
        return Rollout(planes, legal, chosen, wdl, ended, outcome, *finished.tolist())


def advantages(rollout: Rollout, decay: float) -> tuple[FloatArray, FloatArray]:
    """(advantage of each move made, what its position came to as win, draw, loss): [steps, games], [steps, games, 3].

    GAE without discount, decay being its lambda; a ply later the other player's value counts, with its sign turned.
    The second is the lambda return of the same decay, kept as outcomes for the net's three-way value head.
    """
    steps = len(rollout.chosen)
    value = rollout.wdl[..., 0] - rollout.wdl[..., 2]
    gain, came_to = np.zeros(rollout.chosen.shape, np.float32), np.zeros(rollout.wdl[:steps].shape, np.float32)
    later_gain, later = np.zeros_like(gain[0]), rollout.wdl[steps]
    results = np.eye(3, dtype=np.float32)[1 - rollout.outcome.astype(np.int64)]
    for t in reversed(range(steps)):
        over = rollout.ended[t]
        error = np.where(over, rollout.outcome[t], -value[t + 1]) - value[t]
        gain[t] = later_gain = error - np.where(over, 0, decay * later_gain)
        mixed = ((1 - decay) * rollout.wdl[t + 1] + decay * later)[:, ::-1]
        came_to[t] = later = np.where(over[:, None], results[t], mixed)
    return gain, came_to


class PpoTrainer(Trainer):
    """The trainer's net, optimiser and average, with another loss."""

    def update(self, rollout: Rollout, progress: float, stop: Callable[[], bool] | None = None) -> Losses:
        """Some epochs over a rollout; the losses' `policy` is the surrogate objective, both entropies the policy's own.

        Raises Diverged naming the step when a loss or gradient is not finite, or the value's loss has exploded.
        """
        c = self.config
        gain, came_to = advantages(rollout, c.ppo_lambda)
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        rows = gain.size
        planes, legal, chosen, target, advantage = (
            torch.from_numpy(a.reshape(rows, *a.shape[2:])).to(self.device)
            for a in (rollout.planes, rollout.legal, rollout.chosen, came_to, gain)
        )
        self.model.train()
        with torch.no_grad():  # by the same arithmetic as below, so that the first ratios are 1
            chunks = zip(*(torch.split(a, c.batch) for a in (planes, legal, chosen)), strict=True)
            before = torch.cat([self._policy(*chunk)[0] for chunk in chunks])
        sums, first = torch.zeros(3, device=self.device), self.step
        self._set_rate(self._schedule(progress))
        steps = c.ppo_epochs * (rows // c.batch)
        decay = float(np.exp(-1.0 / max(c.ema_rounds * steps, 1.0)))
        guess = 1.0 + c.value_weight * math.log(3)  # 1 being the size of an advantage
        for _ in range(c.ppo_epochs):
            order = torch.from_numpy(self.numpy_rng.permutation(rows)).to(self.device)
            for i in range(0, rows - c.batch + 1, c.batch):
                if stop and stop():
                    break
                at = order[i : i + c.batch]
                likely, entropy, wdl = self._policy(planes[at], legal[at], chosen[at])
                ratio = (likely - before[at]).exp()
                clipped = ratio.clamp(1 - c.ppo_clip, 1 + c.ppo_clip)
                policy = -torch.minimum(ratio * advantage[at], clipped * advantage[at]).mean()
                value = -(target[at] * wdl.log_softmax(1)).sum(1).mean()
                total = policy + c.value_weight * value - c.ppo_entropy * entropy
                self._step(total, MOST_NORM, decay, guess)
                sums += torch.stack([policy, value, entropy]).detach()
        taken = self.step - first
        policy_mean, value_mean, entropy_mean = (sums / max(taken, 1)).tolist()
        return Losses(policy_mean, value_mean, entropy_mean, entropy_mean, taken)

    def _policy(self, planes: Tensor, legal: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(log probability of the moves made [n], mean entropy, WDL logits [n, 3])."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bf16(self.device)):
            logits, wdl = self.model(planes)
        logs = logits.float().masked_fill(~legal, LEAST_LOGIT).log_softmax(1)
        entropy = -(logs.exp() * logs).sum(1).mean()
        return logs.gather(1, chosen[:, None])[:, 0], entropy, wdl.float()


class PpoLoop(Loop):
    """A run that learns by PPO; folder, budgets, checkpoints and measurements are those of the search loop.

    Games under way are lost when it stops; games are not stored, since none is used twice.
    """

    trainer: PpoTrainer
    make_trainer = PpoTrainer

    def __init__(
        self, game: Game, config: TrainConfig, budget: Budget, run: RunDir, sources: Sequence[Source] = ()
    ) -> None:
        super().__init__(game, config, budget, run, sources)
        torch.set_num_threads(config.actors or cores())  # one group of games: all cores work on each batch
        self.evaluator = TorchEvaluator(self.trainer.model)
        Sampler(game, replace(config, games_per_actor=1), self.evaluator, 0).play(1)  # compiles
        self.sampler = Sampler(game, config, self.evaluator, self.progress.games)

    def _hire(self, teacher: str | None) -> None:
        """No workers: the games are played between the updates."""

    def _evaluations(self) -> int:
        return self.sampler.evaluations

    def _work(self, pool: ThreadPoolExecutor) -> Work:
        self.evaluator.load(self.trainer.model)
        rollout = self.clock.time("playing", self.sampler.play, self.config.ppo_plies)
        share = self.progress.share(self.budget)
        update = self.trainer.update
        losses = self._trained(lambda: self.clock.time("training", update, rollout, share, self._over)) or NO_STEPS
        self.progress.games += rollout.finished
        self.progress.positions += rollout.chosen.size
        self.progress.steps += losses.steps
        return Work(rollout.chosen.size, losses, rollout.game_scalars())
