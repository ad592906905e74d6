"""Division gives what ``lax`` does, and no division by a constant is left in a program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jaxenv.division import truncating_divmod

NUMBERS = jnp.arange(-40, 40, dtype=jnp.int32)


@pytest.mark.parametrize("divisor", [1, 6, -7, jnp.int32(13)])
def test_quotient_and_remainder_are_those_of_lax(divisor):
    expected = [divide(NUMBERS, jnp.full_like(NUMBERS, divisor)) for divide in (lax.div, lax.rem)]
    np.testing.assert_array_equal(truncating_divmod(NUMBERS, divisor), expected)
    np.testing.assert_array_equal(jax.vmap(lambda x: truncating_divmod(x, divisor))(NUMBERS), expected)


def test_each_number_may_have_its_own_divisor():
    np.testing.assert_array_equal(truncating_divmod(NUMBERS[41:], NUMBERS[41:]), [np.ones(39), np.zeros(39)])


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.int16, jnp.uint32])
def test_dtypes_stay(dtype):
    assert {x.dtype for x in truncating_divmod(jnp.asarray(100, dtype), 7)} == {np.dtype(dtype)}


def test_the_divisor_is_an_argument():
    equations = jax.make_jaxpr(jax.vmap(lambda x: truncating_divmod(x, 6)))(NUMBERS).eqns
    assert [e.primitive.name in ("jit", "pjit") for e in equations] == [True]
