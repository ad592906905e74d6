import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_bsuite.numerics import one_hot_board, pick, ratio, real, unpack, words_for
from jaxenv_bsuite.runner import Sum


@pytest.mark.parametrize("whole", [7, 10, 30, 100, 255, 997, 1000])
@pytest.mark.parametrize("batched", ["constant", "shared", "each"])
def test_ratio_is_correctly_rounded(whole, batched):
    parts = np.arange(whole + 2, dtype=np.int32)
    exact = (parts / whole).astype(np.float32)
    if batched == "constant":
        ours = jax.jit(jax.vmap(lambda part: ratio(part, whole)))(parts)
    elif batched == "shared":
        ours = jax.jit(jax.vmap(ratio, in_axes=(0, None)))(parts, jnp.int32(whole))
    else:
        ours = jax.jit(jax.vmap(ratio))(parts, jnp.full(parts.shape, whole, jnp.int32))
    assert np.array_equal(ours, exact)
    assert ours.dtype == np.float32


def test_ratio_of_negative_bytes():
    pixels = np.arange(-128, 128, dtype=np.int32)
    assert np.array_equal(jax.jit(lambda p: ratio(p, 255))(pixels), pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("bits", [0, 1, 31, 32, 33, 100])
def test_unpack(bits):
    words = np.random.RandomState(0).randint(0, 2**32, words_for(bits), np.uint32)
    expected = [bool(int(words[i // 32]) >> (i % 32) & 1) for i in range(bits)]
    assert unpack(jnp.asarray(words), bits).tolist() == expected


def test_pick_is_indexing():
    table = np.array([5, 7, 9], np.int32)
    assert [int(pick(table, jnp.int32(i))) for i in range(4)] == [5, 7, 9, 0]


def test_lit_lights_one_cell_and_none_below_the_board():
    board = np.zeros((3, 4), bool)
    board[1, 2] = True
    assert np.array_equal(one_hot_board(3, 4, jnp.int32(1), jnp.int32(2)), board)
    assert not one_hot_board(3, 4, jnp.int32(3), jnp.int32(0)).any()


def test_real_numbers_are_numpys_or_jaxs():
    assert real(jnp.int32(3)).dtype == np.float32
    assert real(np.int32(3)).dtype == np.float64


def test_a_long_sum_keeps_small_terms():
    terms = jnp.tile(jnp.array([0.1, 1000.0, -0.3], jnp.float32), 40_000)
    total, _ = jax.jit(lambda terms: jax.lax.scan(lambda s, term: (s.add(term), None), Sum.zero(), terms))(terms)
    exact = np.asarray(terms, np.float64).sum()
    assert abs(float(total.high) + float(total.low) - exact) < 1e-3
    assert abs(float(jax.lax.scan(lambda s, term: (s + term, None), jnp.float32(0), terms)[0]) - exact) > 1
