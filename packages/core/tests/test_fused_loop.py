"""The kernel's loop: what it carries, and that its compile time grows no faster than the step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Literal

try:
    from jaxenv.fused import kernel
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

INPUTS = {"start": jnp.arange(5, dtype=jnp.float32), "seed": jnp.arange(5, dtype=jnp.uint32) * 7, "flag": jnp.arange(5) > 2}
TIMES = jnp.arange(6, dtype=jnp.int32)


def prepare(inputs):
    return (inputs["seed"], inputs["flag"]), (inputs["start"], inputs["seed"] > 9, jnp.int32(3), jnp.uint32(0), jnp.zeros(3))


def step(fixed, state, time):
    """State of every kind, what is known of each environment, of each step and of both, and outputs that are no state."""
    (seed, even), (place, flag, count, bits, row) = fixed, state
    known = (seed ^ time.astype(jnp.uint32)) * np.uint32(2654435761)
    later = (
        jnp.where(flag, place + 1, place * 2),
        flag ^ ((known & 1) == 1) ^ even,
        count + flag.astype(jnp.int32) + time,
        bits ^ known,
        row * 2 + place,
    )
    return later, ((place, flag, bits), place > 3, count * 2)


def scan(inputs, length=6):
    return kernel.scan(prepare, step, lambda *given: {}, inputs, TIMES[:length], interpret=True)


@pytest.mark.parametrize("length", [1, 2, 3, 6])
@pytest.mark.parametrize("envs", [1, 5, 37])
def test_a_loop_plays_as_a_scan_of_any_length(length, envs):
    inputs = jax.tree.map(lambda x: jnp.tile(x, 8)[:envs], INPUTS)
    fixed, state = jax.vmap(prepare)(inputs)
    expected = jax.lax.scan(lambda state, x: jax.vmap(step, in_axes=(0, 0, None))(fixed, state, x), state, TIMES[:length])
    jax.tree.map(np.testing.assert_array_equal, scan(inputs, length)[:2], expected)


def body_of_loop():
    """Return the program of a round of the kernel's loop."""
    deferred = [e for e in jax.make_jaxpr(scan)(INPUTS).eqns if e.primitive.name == "jaxenv_deferred" and e.outvars]
    played = jax.make_jaxpr(deferred[0].params["function"])(*(x.aval for x in deferred[0].invars))
    (call,) = [e for e in played.eqns if e.primitive.name == "pallas_call"]
    loops = [e.params["body_jaxpr"].jaxpr for e in call.params["jaxpr"].eqns if e.primitive.name == "while"]
    return max(loops, key=lambda jaxpr: len(jaxpr.eqns))


def constants(equations):
    return {str(x.val) for e in equations for x in e.invars if isinstance(x, Literal)}


def test_what_is_written_has_nothing_to_do_with_the_tape():
    """No operation leads to an access but the sum or comparison of places, and these share no constant with the tape."""
    equations = body_of_loop().eqns
    made_by = {var: i for i, e in enumerate(equations) for var in e.outvars}

    def ancestors(i):
        found = {made_by[x] for x in equations[i].invars if not isinstance(x, Literal) and x in made_by}
        return found.union(*map(ancestors, found))

    accesses = [i for i, e in enumerate(equations) if e.primitive.name in ("swap", "masked_swap")]
    assert len(accesses) == 9  # three states and two outputs of each step, and the four other elements at the end
    linked = set().union(*map(ancestors, accesses))
    assert {equations[i].primitive.name for i in linked} <= {"lt", "ge", "sub", "broadcast_in_dim"}
    rest = set(range(len(equations))) - linked - set(accesses)
    assert not constants(equations[i] for i in linked) & constants(equations[i] for i in rest)


def test_what_is_read_comes_out_of_a_loop_of_its_own():
    """A round reads nothing of each environment itself, and what reads it has neither constants nor other operations."""
    equations = body_of_loop().eqns
    assert all(e.outvars[0].aval.shape == () for e in equations if e.primitive.name == "get")
    (fetch,) = [e.params["body_jaxpr"].jaxpr for e in equations if e.primitive.name == "while"]
    assert {e.primitive.name for e in fetch.eqns} == {"get"}
    assert not constants(fetch.eqns)
    handed = fetch.invars[-len(fetch.outvars) :]
    assert all(before is not after for before, after in zip(handed, fetch.outvars, strict=True))
