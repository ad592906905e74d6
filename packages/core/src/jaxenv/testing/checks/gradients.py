"""What is promised of gradients, where an environment promises them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv.testing import trees
from jaxenv.testing.causes import explain
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Inconclusive, Violation, require
from jaxenv.testing.runs import QUICKLY

EVERY = 8
"""One step in so many of the limited run is differentiated: the first after the resets, where much is zero, and some ends."""


def gradients_are_finite(tested: EnvironmentUnderTest) -> None:
    """Gradients of a step, the reset that may follow it included, are finite and flow."""
    if not tested.differentiable:
        raise Inconclusive("gradients are not promised: the environment's differentiable is False")
    steps, _ = tested.limited
    keys, state, action = jax.tree.map(lambda leaf: leaf[::EVERY], steps[:3])
    params = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*keys.shape[:1], *leaf.shape)), tested.limited_params)
    parts = {"state": state, "action": action, "params": params}
    names = {name: list(trees.named_leaves(part, name)) for name, part in parts.items()}
    gradients = _gradients(tested.env, keys, *parts.values())
    by_name = dict(zip((path for paths in names.values() for path in paths), gradients, strict=True))
    for path, gradient in by_name.items():
        require(
            gradient is None or bool(np.isfinite(gradient).all()),
            f"the gradient of a step by {path} is not finite. Guard the root, division or norm: jnp.where alone does not stop the "
            "NaN of the branch not taken.",
        )
    # Params may all be thresholds.
    for part in ("state", "action"):
        floats = [by_name[path] for path in names[part] if by_name[path] is not None]
        require(
            not floats or any(np.any(gradient) for gradient in floats),
            f"every gradient of a step by the {part} is zero. Remove lax.stop_gradient and roundings, or do not promise gradients.",
        )


def _gradients(env: Any, keys: Array, *arguments: Any) -> list[Any]:
    """Return the gradients of batches of steps by each leaf of ``(state, action, params)``, None where it is no float."""
    leaves, structure = jax.tree.flatten(arguments)
    floats = [leaf if _is_float(leaf) else None for leaf in leaves]
    others = [None if _is_float(leaf) else leaf for leaf in leaves]

    def outcome(floats: list[Any], others: list[Any], key: Array) -> Any:
        merged = [other if leaf is None else leaf for leaf, other in zip(floats, others, strict=True)]
        obs, after, reward, _, info = env.step(key, *jax.tree.unflatten(structure, merged))
        results = [leaf for leaf in jax.tree.leaves((obs, after, info.get("final_observation"))) if _is_float(leaf)]
        return sum((leaf.sum().astype(jnp.float32) for leaf in results), reward)

    batched = jax.jit(jax.vmap(jax.vmap(jax.grad(outcome))), compiler_options=QUICKLY)
    try:
        return batched(floats, others, keys)
    except Exception as error:
        raise Violation(f"a step cannot be differentiated: {explain(error, env)}") from error


def _is_float(leaf: Any) -> bool:
    return not trees.is_key(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)
