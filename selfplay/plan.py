"""What a budget buys on this machine, from some seconds of measurement."""

import time

import numpy as np
import torch

from games.contract import Game
from games.processes import cores
from nets.config import NetConfig
from nets.evaluator import TorchEvaluator
from selfplay.actor import Actor
from selfplay.budget import Budget
from selfplay.config import TrainConfig
from selfplay.replay import Replay
from selfplay.trainer import Trainer

MEASURE_SECONDS = 3.0


def plan(game: Game, config: TrainConfig, budget: Budget) -> str:
    """Measure self-play and training on one core each, and say in some lines what the budget comes to.

    Games of an untrained net are shorter or longer than those of a trained one, so the counts are estimates.
    """
    torch.set_num_threads(1)
    trainer = Trainer(game, config)
    replay = Replay(game, trainer.net_config.inputs(game))
    actor = Actor(game, config, TorchEvaluator(trainer.average))
    actor.play(1)  # compiles
    evaluations, plies, games, began = actor.evaluations, actor.plies, 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < MEASURE_SECONDS or not games:
        batch = actor.play(2000)
        replay.append(batch)
        games += len(batch)
    evaluations, plies = actor.evaluations - evaluations, actor.plies - plies
    trainer.train(replay, 1, 0.0)
    steps, began = 0, time.perf_counter()
    while (trained := time.perf_counter() - began) < MEASURE_SECONDS:
        trainer.train(replay, 2, 0.0)
        steps += 2
    step_seconds = trained / steps
    used = min(config.actors or cores(), cores())
    # A position costs its searches, growing along the budget, and, by the train bucket, its share of training steps.
    efforts = config.late_effort ** np.linspace(0, 1, 100)
    costs = (taken / plies * efforts + config.reuse / config.batch * step_seconds) / used
    if budget.minutes is not None:
        seconds = 60 * budget.minutes
        positions, effort = seconds * float(np.mean(1 / costs)), float(np.average(efforts, weights=1 / costs))
    else:
        counted = (budget.games or 0) * plies / games, (budget.steps or 0) * config.batch / config.reuse
        positions, effort = max(counted), float(np.mean(efforts))
        seconds = positions * float(np.mean(costs))
    net = NetConfig.parse(config.net)
    return "\n".join(
        (
            f"{game.spec}, {budget}, {used} cores (an estimate from {2 * MEASURE_SECONDS:.0f} s on one of them)",
            f"  net            {net}, {net.parameters(game):,} parameters, {net.flops(game) / 1e6:.2f} MFLOP each",
            f"  self-play      {evaluations / taken:,.0f} evaluations/s and {plies / taken:,.0f} positions/s a core",
            f"  training       {1 / step_seconds:,.1f} steps/s of {config.batch} positions",
            f"  time           {seconds / 60:,.1f} minutes",
            f"  evaluations    {positions * effort * evaluations / plies:,.0f}",
            f"  games          {positions / plies * games:,.0f} ({positions:,.0f} positions)",
            f"  training steps {positions * config.reuse / config.batch:,.0f}",
        )
    )
