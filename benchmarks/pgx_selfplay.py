"""The peer of benchmarks/selfplay_peer.py: Connect Four self-play with pgx and mctx, in an environment that has them.

For each line on stdin it plays for some seconds and prints positions per second. The net is that of pgx's own AlphaZero
example (ResNet v2 in haiku, float32), the search mctx's Gumbel policy, as that example has them.
"""

import sys
import time
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
import mctx
import pgx
from pgx.experimental import auto_reset

GAMES, SIMULATIONS, SECONDS, BLOCKS, CHANNELS = (int(word) for word in sys.argv[1:6])
env = pgx.make("connect_four")


def block(x: Any, training: bool) -> Any:
    """A residual block with batch norm before each convolution."""
    y = x
    for _ in range(2):
        y = hk.BatchNorm(True, True, 0.9)(y, is_training=training)
        y = hk.Conv2D(CHANNELS, 3)(jax.nn.relu(y))
    return x + y


def net(x: Any, training: bool = False) -> Any:
    """Observations [n, 6, 7, 2] to policy logits [n, 7] and values [n]."""
    x = hk.Conv2D(CHANNELS, 3)(x.astype(jnp.float32))
    for _ in range(BLOCKS):
        x = block(x, training)
    x = jax.nn.relu(hk.BatchNorm(True, True, 0.9)(x, is_training=training))
    logits = hk.Linear(env.num_actions)(hk.Flatten()(jax.nn.relu(hk.Conv2D(2, 1)(x))))
    value = hk.Flatten()(jax.nn.relu(hk.Conv2D(1, 1)(x)))
    value = jnp.tanh(hk.Linear(1)(jax.nn.relu(hk.Linear(CHANNELS)(value))))
    return logits, value[:, 0]


forward = hk.without_apply_rng(hk.transform_with_state(net))


def recurrent(model: Any, key: Any, action: Any, state: Any) -> Any:
    """One step of mctx's search."""
    mover = state.current_player
    state = jax.vmap(env.step)(state, action)
    (logits, value), _ = forward.apply(*model, state.observation)
    logits = jnp.where(state.legal_action_mask, logits, jnp.finfo(logits.dtype).min)
    reward = state.rewards[jnp.arange(GAMES), mover]
    value = jnp.where(state.terminated, 0.0, value)
    discount = jnp.where(state.terminated, 0.0, -1.0)
    return mctx.RecurrentFnOutput(reward=reward, discount=discount, prior_logits=logits, value=value), state


@jax.jit
def move(model: Any, state: Any, key: Any) -> Any:
    """Search every game's position and play the moves; finished games begin anew."""
    (logits, value), _ = forward.apply(*model, state.observation)
    root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
    search_key, start_key = jax.random.split(key)
    policy = mctx.gumbel_muzero_policy(
        params=model,
        rng_key=search_key,
        root=root,
        recurrent_fn=recurrent,
        num_simulations=SIMULATIONS,
        invalid_actions=~state.legal_action_mask,
        qtransform=mctx.qtransform_completed_by_mix_value,
        gumbel_scale=1.0,
    )
    return jax.vmap(auto_reset(env.step, env.init))(state, policy.action, jax.random.split(start_key, GAMES))


def main() -> None:
    """Compile, then play whenever asked."""
    key = jax.random.PRNGKey(0)
    state = jax.jit(jax.vmap(env.init))(jax.random.split(key, GAMES))
    model = forward.init(key, state.observation, True)  # in training, as batch norms get their averages there
    state = move(model, state, key)
    jax.block_until_ready(state)
    print("ready", flush=True)
    for _ in sys.stdin:
        moves, began = 0, time.perf_counter()
        while (taken := time.perf_counter() - began) < SECONDS:
            key, now = jax.random.split(key)
            state = jax.block_until_ready(move(model, state, now))
            moves += GAMES
        print(moves / taken, flush=True)


if __name__ == "__main__":
    main()
