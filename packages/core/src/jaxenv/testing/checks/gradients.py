"""What is promised of gradients, where an environment promises them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenv.testing import trees
from jaxenv.testing.outcomes import Unexercised, Violation, first_line, require
from jaxenv.testing.runs import SEGMENT
from jaxenv.testing.subject import Subject


def gradients_are_finite(subject: Subject) -> None:
    """Gradients of a step are finite and flow."""
    if not subject.differentiable:
        raise Unexercised("gradients are not promised: the class does not say `differentiable = True`")
    env = subject.env

    def outcome(state: Any, action: Any, params: Any, key: Any) -> Any:
        obs, after, reward, _, _ = env.step_env(key, state, action, params)
        floats = [leaf for leaf in jax.tree.leaves((obs, after)) if _is_float(leaf)]
        return sum((leaf.sum().astype(jnp.float32) for leaf in floats), reward)

    steps, _ = subject.limited
    row = jax.tree.map(lambda leaf: leaf[SEGMENT // 2], (steps.state, steps.action))
    try:
        gradient = jax.jit(jax.vmap(jax.grad(outcome, argnums=(0, 1, 2), allow_int=True)))(
            *row, subject.limited_params, steps.key[SEGMENT // 2]
        )
    except Exception as error:
        raise Violation(f"a step cannot be differentiated: {first_line(error)}") from error
    flows = False
    for part, name in zip(gradient, ("state", "action", "params"), strict=True):
        for path, leaf in trees.named_leaves(part, name).items():
            if _is_float(leaf):
                require(
                    bool(np.isfinite(leaf).all()),
                    f"the gradient of a step by {path} is not finite. Guard the root, division or norm: jnp.where alone does not "
                    "stop the NaN of the branch not taken.",
                )
                flows |= bool(np.any(leaf))
    require(flows, "every gradient of a step is zero. Remove lax.stop_gradient and roundings, or do not declare differentiable.")


def _is_float(leaf: Any) -> bool:
    return not trees.is_key(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)
