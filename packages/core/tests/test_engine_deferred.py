"""A deferred function is looked into only where something depends on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.engine.deferred import deferred


class Doubling:
    """Doubles an array and negates it, and counts how often it is traced."""

    calls = 0

    def __call__(self, tree):
        self.calls += 1
        return tree["x"] * 2, -tree["x"]

    def deferred(self, x):
        double, minus = deferred(self, (jax.ShapeDtypeStruct(x.shape, x.dtype),) * 2, {"x": x})
        return x + 1, double, minus


WAYS = {
    "jit": lambda function: function,
    "vmap": jax.vmap,
    "scan": lambda function: lambda x: jax.lax.scan(lambda carry, row: (carry, function(row)), 0, x)[1],
    "jit-in-jit": jax.jit,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_is_traced_only_if_it_is_used(way):
    x, doubling = np.arange(6, dtype=np.float32).reshape(2, 3), Doubling()
    assert np.array_equal(jax.jit(lambda x: way(doubling.deferred)(x)[0])(x), x + 1)
    assert doubling.calls == 0
    assert np.array_equal(jax.jit(lambda x: way(doubling.deferred)(x)[2])(x), -x)
    assert doubling.calls > 0


def test_outside_of_jit_it_is_computed_at_once():
    doubling = Doubling()
    _, double, _ = doubling.deferred(jnp.arange(3.0))
    assert double.tolist() == [0, 2, 4]


def test_keys_go_in_and_come_out():
    keys = jax.random.split(jax.random.key(0), 3)
    shape = jax.ShapeDtypeStruct((3,), keys.dtype)
    (same,) = jax.jit(lambda keys: deferred(lambda k: (k,), (shape,), keys))(keys)
    assert np.array_equal(jax.random.key_data(same), jax.random.key_data(keys))


def test_its_derivative_is_the_functions():
    slope = jax.grad(lambda x: deferred(lambda x: (jnp.sin(x),), (jax.ShapeDtypeStruct((), jnp.float32),), x)[0])(jnp.float32(0.0))
    assert slope == 1.0
