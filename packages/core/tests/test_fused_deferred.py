"""A deferred computation is looked into only where something depends on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.fused.deferred import deferred


class Doubling:
    """Doubles an array and negates it, and counts how often it is traced."""

    calls = 0

    def __call__(self, tree: dict[str, jax.Array]) -> list[jax.Array]:
        self.calls += 1
        return [tree["x"] * 2, -tree["x"]]

    def deferred(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        double, minus = deferred(self, [jax.ShapeDtypeStruct(x.shape, x.dtype)] * 2, {"x": x})
        return x + 1, double, minus


WAYS = {
    "jit": lambda function: function,
    "vmap": jax.vmap,
    "scan": lambda function: lambda x: jax.lax.scan(lambda carry, row: (carry, function(row)), 0, x)[1],
    "jit-in-jit": jax.jit,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_is_traced_only_if_it_is_used(way) -> None:
    x, doubling = np.arange(6, dtype=np.float32).reshape(2, 3), Doubling()
    assert np.array_equal(jax.jit(lambda x: way(doubling.deferred)(x)[0])(x), x + 1)
    assert doubling.calls == 0
    assert np.array_equal(jax.jit(lambda x: way(doubling.deferred)(x)[2])(x), -x)
    assert doubling.calls > 0


def test_outside_of_jit_it_is_computed_at_once() -> None:
    assert jnp.array_equal(Doubling().deferred(jnp.ones(2))[1], jnp.full(2, 2.0))
