"""The kernels of the update: their text, run by the host's C compiler, against JAX's own operations, optax and loops."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import optax
import pytest
from jaxenv.engine import select
from jaxenv.engine.cuda import host, launch, nvrtc
from jaxenv.errors import JaxenvPerformanceWarning
from jaxenv_baselines import kernels, ppo
from jaxenv_baselines.kernels import adam, gradient, source
from jaxenv_baselines.tasks import Task

needs_compiler = pytest.mark.skipif(host.compiler() is None, reason="no C compiler")


@pytest.fixture
def engine(monkeypatch):
    """Choose an engine; programs traced before are forgotten."""

    def choose(setting: str) -> None:
        monkeypatch.setenv("JAXENV_ENGINE", setting)
        jax.clear_caches()

    yield choose
    jax.clear_caches()


@dataclasses.dataclass(frozen=True)
class Imitation:
    """Cross entropy with the action in field 0, weighted by field 1."""

    def __call__(self, outputs, fields, numbers):
        log_probs = jax.nn.log_softmax(outputs)
        chosen = jnp.where(jnp.arange(outputs.size, dtype=jnp.float32) == fields[0], log_probs, 0.0).sum()
        return -fields[1] * chosen, jnp.stack([chosen, numbers[0]])


@dataclasses.dataclass(frozen=True)
class Deviation:
    """Log-density of field 2 under a normal distribution whose log deviation is the last output, a weight by itself."""

    def __call__(self, outputs, fields, numbers):
        z = (fields[2] - outputs[0]) * jnp.exp(-outputs[1])
        return numbers[0] * (0.5 * z * z + outputs[1]), z[None]


def towers(inputs, widths, choices, activation):
    """Two towers: one over choices, one with a weight that is an output."""
    at, found = 0, []
    for outputs, head, terms in ((choices, Imitation(), 2), (1, Deviation(), 1)):
        layers, before = [], inputs
        for width in (*widths, outputs):
            layers.append(kernels.Layer(at, at + before * width, before, width))
            at, before = at + before * width + width, width
        found.append(kernels.Tower(tuple(layers), head, terms))
    second = dataclasses.replace(found[1], extra=1, extra_at=at)
    return kernels.Towers((found[0], second), activation, at + 1)


def problem(networks, samples, size, flags, epochs=2):
    """Weights, samples and numbers."""
    keys = jax.random.split(jax.random.key(0), 5)
    draw = jax.random.bernoulli(keys[0], 0.1, (samples, networks.inputs)).astype(jnp.uint8)
    x = draw if flags else jax.random.normal(keys[0], (samples, networks.inputs))
    choices = networks.towers[0].outputs
    chosen = jax.random.randint(keys[1], (samples,), 0, choices).astype(jnp.float32)
    fields = jnp.concatenate([chosen[:, None], jax.random.normal(keys[2], (samples, 2))], axis=1)
    weights = 0.2 * jax.random.normal(keys[3], (networks.size,))
    words = jax.random.bits(keys[4], (epochs, kernels.ROUNDS), jnp.uint32)
    return weights, kernels.Minibatches(x, fields, words, size), jnp.float32([0.7])


CASES = {
    "floats": ((4, (64, 64), 2, "tanh"), 512, 256, False),
    "one hidden layer": ((3, (24,), 5, "relu"), 96, 48, False),
    "three hidden layers": ((17, (16, 32, 8), 9, "tanh"), 144, 72, False),
    "flags": ((100, (64, 32), 3, "relu"), 256, 64, True),
    "a first kernel in pieces": ((400, (64, 64), 3, "relu"), 256, 128, True),
    "several tiles a block": ((8, (8,), 2, "relu"), 1024, 512, False),
}


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_has_the_gradient_of_jax(case, engine, monkeypatch):
    sizes, samples, size, flags = CASES[case]
    monkeypatch.setattr(source, "MOST_BLOCKS", 4)
    gradient._kernels.cache_clear()
    networks = towers(*sizes)
    weights, batches, numbers = problem(networks, samples, size, flags)

    def found(number):
        reported, slope, squares = kernels.value_and_gradient(networks, batches, numbers, weights, number)
        return reported, slope, squares.sum()

    for precision, tolerance in (("highest", 2e-6), ("default", 5e-3))[: 2 if case in ("floats", "flags") else 1]:
        with jax.default_matmul_precision(precision):
            results = []
            for setting in ("scan", "host"):
                engine(setting)
                results.append(jax.jit(found)(jnp.int32(samples // size + 1)))
        for plain, kernel in zip(*results, strict=True):
            assert np.linalg.norm(kernel - plain) <= tolerance * np.linalg.norm(plain)
    gradient._kernels.cache_clear()


@needs_compiler
def test_members_and_derivatives_are_those_of_one_call(engine):
    engine("host")
    networks = towers(4, (8,), 2, "tanh")
    weights, batches, numbers = problem(networks, 64, 32, False)

    def slope(weights, number):
        return kernels.value_and_gradient(networks, batches, numbers, weights, number)[1]

    both = jnp.stack([weights, 2 * weights])
    together = jax.jit(jax.vmap(slope))(both, jnp.int32([0, 3]))
    alone = jax.jit(slope)
    for i, number in enumerate((0, 3)):
        np.testing.assert_array_equal(together[i], alone(both[i], jnp.int32(number)))
    twice = jax.jit(jax.grad(lambda weights: 3 * kernels.mean_loss(networks, batches, numbers, weights, jnp.int32(0))[0]))(weights)
    np.testing.assert_allclose(twice, 3 * alone(weights, jnp.int32(0)), rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 7, 12, 97, 128, 360, 2048])
def test_a_permutation_has_every_index_once(size):
    words = jax.random.bits(jax.random.key(size), (3, kernels.ROUNDS), jnp.uint32)
    found = np.asarray(jax.vmap(lambda words: kernels.permuted(jnp.arange(size), words, size))(words))
    for one in found:
        np.testing.assert_array_equal(np.sort(one), np.arange(size))
    if size > 100:
        assert (found[0] != found[1]).mean() > 0.9


def test_two_samples_share_a_minibatch_as_often_as_they_should():
    size, parts, draws = 512, 8, 4000
    words = jax.random.bits(jax.random.key(1), (draws, kernels.ROUNDS), jnp.uint32)
    found = np.asarray(jax.vmap(lambda words: kernels.permuted(jnp.arange(size), words, size))(words))
    where = np.argsort(found, axis=1) // (size // parts)  # the minibatch of each sample
    expected = (size // parts - 1) / (size - 1)
    deviation = np.sqrt(expected * (1 - expected) / draws)
    for distance in (1, 2, 16, 23, 256):  # neighbours in time, and of one environment
        shared = (where == np.roll(where, distance, axis=1)).mean(axis=0)
        assert abs(shared - expected).max() < 5 * deviation
        assert abs(shared.mean() - expected) < 5 * deviation / np.sqrt(size / 4)


@needs_compiler
@pytest.mark.parametrize("setting", ["scan", "host"])
def test_adam_is_that_of_optax(setting, engine):
    engine(setting)
    size, parts = 300, 3
    weights = jax.random.normal(jax.random.key(0), (size,))
    theirs = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-2, eps=adam.EPSILON))
    state, expected, moments = kernels.Optimizer.begin(weights), weights, theirs.init(weights)
    step = jax.jit(kernels.updated)
    for i, scale in enumerate((3.0, 0.01, 1.0)):
        slope = scale * jax.random.normal(jax.random.key(i), (size,)) / size**0.5
        squares = jnp.square(slope).reshape(parts, -1).sum(axis=1)
        state = step(state, slope, squares, 1e-2, 0.5)
        with jax.numpy_dtype_promotion("standard"):
            change, moments = theirs.update(slope, moments)
        expected = optax.apply_updates(expected, change)
    np.testing.assert_allclose(state.weights, expected, rtol=2e-5, atol=1e-6)
    assert int(state.steps) == 3


@needs_compiler
@pytest.mark.parametrize("setting", ["scan", "host"])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrence_is_that_of_a_loop(setting, reverse, engine):
    engine(setting)
    factors, terms = (jax.random.normal(jax.random.key(i), (2, 9, 5)) for i in range(2))
    first = jnp.arange(10.0).reshape(2, 5)
    found = jax.jit(jax.vmap(lambda *x: kernels.recurrence(*x, reverse=reverse)))(factors, terms, first)
    value, order = np.asarray(first), range(8, -1, -1) if reverse else range(9)
    for i in order:
        value = np.asarray(factors)[:, i] * value + np.asarray(terms)[:, i]
        np.testing.assert_allclose(found[:, i], value, rtol=1e-5, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "Breakout-MinAtar"])
def test_ppo_learns_the_same_by_kernels(env_id, engine):
    flags = env_id.startswith("Breakout")
    config = ppo.Config(
        total_steps=2 * 4 * 16,
        num_envs=4,
        num_steps=16,
        epochs=2,
        minibatches=2,
        widths=(16,),
        activation="relu" if flags else "tanh",
        normalize_observations=not flags,
    )
    task = Task.of(*jaxenv.make(env_id))
    results = []
    with jax.default_matmul_precision("highest"):
        for setting in ("scan", "host"):
            engine(setting)
            learner, metrics = jax.jit(lambda key: ppo.train(task, config, key))(jaxenv.random.key(0))
            results.append((learner.weights, metrics))
    for plain, kernel in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(kernel, plain, rtol=2e-3, atol=2e-4)


def test_networks_without_a_kernel_have_a_reason_and_the_same_interface():
    sizes = source.Sizes(64, 32, 3, 1, False, True, source.shared_memory((9, 0)))
    for widths, choices, words in (((), 2, "no hidden layer"), ((12,), 2, "multiple of 8"), ((8,), 65, "64 outputs")):
        networks = towers(4, widths, choices, "tanh")
        assert words in source.unsupported(networks, sizes)
        weights, batches, numbers = problem(networks, 64, 32, False)
        assert kernels.value_and_gradient(networks, batches, numbers, weights, jnp.int32(0))[1].shape == (networks.size,)
    assert "do not fit" in source.unsupported(towers(4, (256, 256), 2, "tanh"), sizes)
    for inputs, widths in ((1000, (64, 64)), (400, (72,)), (400, (256,)), (300, (128, 128))):
        networks, flags = towers(inputs, widths, 6, "relu"), dataclasses.replace(sizes, integers=True)
        assert not source.unsupported(networks, flags)
        assert source.gradient_kernel(networks, flags).shared <= max(sizes.shared)


@needs_compiler
def test_a_refused_kernel_costs_one_warning(engine, monkeypatch):
    def refuse(*args):
        raise launch.KernelRefusedError("a test")

    engine("host")
    monkeypatch.setattr(gradient, "launched", refuse)
    monkeypatch.setattr(select, "_warned", set())
    networks = towers(4, (8,), 2, "tanh")
    weights, batches, numbers = problem(networks, 64, 32, False)
    with pytest.warns(JaxenvPerformanceWarning, match="gradient of a minibatch.*a test"):
        found = jax.jit(lambda: kernels.value_and_gradient(networks, batches, numbers, weights, jnp.int32(0)))()
    engine("scan")
    plain = kernels.value_and_gradient(networks, batches, numbers, weights, jnp.int32(0))
    np.testing.assert_allclose(found[1], plain[1], rtol=1e-4, atol=1e-6)


def test_wrong_sizes_are_named():
    networks = towers(4, (8,), 2, "tanh")
    weights, batches, numbers = problem(networks, 64, 32, False)
    wrong = dataclasses.replace(batches, x=batches.x[:, :3])
    with pytest.raises(ValueError, match=r"inputs \[samples, 4\].*got inputs \(64, 3\)"):
        kernels.value_and_gradient(networks, wrong, numbers, weights, jnp.int32(0))


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
def test_nvrtc_compiles_the_kernels(capability):
    try:
        nvrtc.version()
    except nvrtc.NvrtcError as error:
        pytest.skip(str(error))
    for inputs, widths, flags in ((4, (64, 64), False), (400, (64, 64), True)):
        networks = towers(inputs, widths, 2, "tanh")
        sizes = source.Sizes(2048, 1024, 3, 1, flags, True, source.shared_memory(capability))
        for kernel in gradient._kernels(networks, sizes):
            assert "mma.sync" in launch.compiled(kernel, capability) or kernel.name != "jaxenv_gradient"
    for kernel in (adam._kernel(1000, 3),):
        assert kernel.name in launch.compiled(kernel, capability)
