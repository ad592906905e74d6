"""Materialized functions: the same results, stored on a CPU, and no change elsewhere."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jaxenv.materialize import materialize, materialized


@materialized
def both(x: Array, tree: tuple[Array, Array]) -> dict[str, Any]:
    return {"sum": jnp.sin(x) + tree[0], "other": (x * 2, tree[1])}


X, TREE = np.arange(4, dtype=np.float32), (np.ones(4, np.float32), np.zeros(4, np.float32))


@pytest.mark.parametrize("run", [both, jax.vmap(both), jax.jit(jax.vmap(both))], ids=["alone", "vmap", "jit"])
def test_a_materialized_function_changes_no_result(run: Any) -> None:
    out = run(X, TREE)
    assert np.allclose(out["sum"], np.sin(X) + 1)
    assert np.asarray(out["other"][0]).tolist() == [0, 2, 4, 6]
    assert np.asarray(out["other"][1]).tolist() == [0, 0, 0, 0]


def test_a_materialized_function_can_be_differentiated() -> None:
    slope = jax.jit(jax.grad(lambda x: materialize(both(x, TREE)["sum"]).sum()))(X)
    assert np.allclose(slope, np.cos(X), atol=1e-6)


def lowered(function: Any, platform: str = "cpu") -> str:
    return jax.jit(function).trace(X).lower(lowering_platforms=(platform,)).as_text()


def test_a_materialized_function_is_a_call_that_a_cpu_keeps_and_others_inline() -> None:
    def twice(x: Array) -> Array:
        return both(x, TREE)["sum"] + both(x + 1, TREE)["sum"]

    assert lowered(twice).count('inlineable = "false"') == 3  # two arguments and a result, in one function that both uses share
    assert 'inlineable = "false"' not in lowered(twice, "cuda")


def test_a_cpu_computes_once_what_is_kept() -> None:
    """Left to itself, XLA puts the product into the kernel of each output."""

    def spread(keep: Any) -> str:
        def outputs(x: Array) -> tuple[Array, ...]:
            y = keep(x * 3)
            return y + 1, jnp.exp(y), jnp.cumsum(y)

        return jax.jit(outputs).lower(X).compile().as_text()

    assert spread(materialize).count(" multiply(") < spread(lambda y: y).count(" multiply(")


def test_results_that_are_not_used_are_not_computed() -> None:
    assert "stablehlo.sine" not in lowered(lambda x: both(x, TREE)["other"])


def test_what_a_materialized_function_calls_is_inlined_into_it() -> None:
    @jax.jit
    def inner(x: Array) -> Array:
        return jnp.where(x > 1, x, 0.0)

    text = lowered(lambda x: materialized(lambda x: inner(x) * 2)(x))
    assert text.count('inlineable = "false"') == 2
