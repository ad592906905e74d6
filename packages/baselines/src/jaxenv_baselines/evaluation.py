"""How good an agent is: returns of whole episodes, and what is said of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jax import Array

from jaxenv_baselines.errors import NoEpisodeLimitError

LONGEST = 100_000
"""Steps after which an evaluation gives up on an episode."""


def evaluate(
    env: Any, params: Any, policy: Any, key: Array, *, num_episodes: int, policy_params: Any = None, initial_carry: Any = None
) -> tuple[Array, Array]:
    """Play the first episode of ``num_episodes`` environments: long and short ones count alike.

    Returns:
        The episodes' undiscounted returns, float32[num_episodes], and lengths in steps, int32[num_episodes].

    Raises:
        NoEpisodeLimitError: some have not ended after 100,000 steps; only where results are known.
    """
    returns, lengths, running = _played(env, policy, num_episodes, params, key, policy_params, initial_carry)
    if not isinstance(running, jax.core.Tracer) and bool(running.any()):
        raise NoEpisodeLimitError(env.name, int(running.sum()), LONGEST)
    return returns, lengths


@partial(jax.jit, static_argnums=(0, 1, 2))
def _played(env: Any, policy: Any, num_episodes: int, params: Any, key: Array, policy_params: Any, initial_carry: Any) -> Any:
    given = () if policy_params is None else (policy_params,)
    keys = jaxenv.random.split(key, num_episodes)

    def step(loop: Any) -> Any:
        (obs, state, carry, total, running), time = loop

        def one(key: Array, now: Any) -> Any:
            obs, state, carry, total, running = now
            key_act, key_step = jaxenv.random.split(jaxenv.random.fold_in(key, time))
            if initial_carry is None:
                action = policy(*given, obs, key_act)
            else:
                carry, action = policy(*given, carry, obs, key_act)
            obs, state, reward, done, _ = env.step(key_step, state, action, params)
            return obs, state, carry, total + jnp.where(running, reward, 0.0), running & ~done

        return jax.vmap(one)(keys, (obs, state, carry, total, running)), time + 1

    return keys, step


def summary(returns: Any, lengths: Any) -> dict[str, Any]:
    """Return what is said of episodes: the mean with its 95% interval (normal), the median, and the mean of the middle half."""
    values = np.sort(np.asarray(returns, np.float64))
    count = len(values)
    error = 1.96 * values.std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    quarter = count // 4
    return {
        "episodes": count,
        "mean": float(values.mean()),
        "low": float(values.mean() - error),
        "high": float(values.mean() + error),
        "median": float(np.median(values)),
        "iqm": float(values[quarter : count - quarter].mean()),
        "length": float(np.mean(np.asarray(lengths, np.float64))),
    }
