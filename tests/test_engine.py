"""Kernels of every class of environment: the same text that a GPU gets, run on the host, and compiled for GPUs by NVRTC."""

import re
from functools import cache

import jax
import jax.numpy as jnp
import jaxenv
import pytest
from comparison import assert_alike
from jaxenv.engine.cuda import host, nvrtc
from jaxenv.engine.cuda.source import prelude

pytestmark = [
    pytest.mark.usefixtures("mnist", "unoptimized"),
    pytest.mark.skipif(host.compiler() is None, reason="no C compiler (gcc) is installed"),
]

FIRST = list({spec.entry_point: spec for spec in reversed(jaxenv.registered_envs())}.values())[::-1]
KEYS = {"threefry": jax.random.key, "jaxenv": jaxenv.random.key}


@pytest.fixture
def kernels(monkeypatch):
    """The kernels that the host runs, and that it runs kernels at all."""
    monkeypatch.setenv("JAXENV_ENGINE", "host")
    ran, original = [], host.run
    monkeypatch.setattr(host, "run", lambda kernel, *args: ran.append(kernel) or original(kernel, *args))
    return ran


@cache
def nvrtc_is_missing():
    """Return why kernels can't be compiled for GPUs here; an empty string if they can."""
    try:
        nvrtc.version()
    except nvrtc.NvrtcError as error:
        return str(error)
    return ""


def check_rollout(spec, make_key):
    env, params = jaxenv.make(spec)
    kernel, scan = (
        jaxenv.rollout(env, params, None, make_key(1), num_envs=33, num_steps=40, fused=fused, keep_states=True)
        for fused in (True, False)
    )
    assert kernel.executor == "kernel"
    assert_alike(kernel, scan.replace(executor="kernel", reason=""), rtol=1e-4, atol=1e-5)
    return env, params, scan.trajectory


def check_steps(env, params, trajectory, make_key, monkeypatch):
    """From states that a rollout visited: every step by itself, so that no difference can grow."""
    states, actions = jax.tree.map(lambda x: x[::8].reshape(5 * 33, *x.shape[2:]), (trajectory.state, trajectory.action))
    keys = jax.random.split(make_key(2), 5 * 33)

    def steps():
        return jax.jit(jax.vmap(env.step, in_axes=(0, 0, 0, None)))(keys, states, actions, params)

    kernel = steps()
    monkeypatch.setenv("JAXENV_ENGINE", "scan")
    assert_alike(kernel, steps(), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_a_kernel_plays_every_environment_as_a_scan_and_compiles_for_gpus(spec, kernels, monkeypatch):
    env, params, trajectory = check_rollout(spec, jax.random.key)
    jax.block_until_ready(jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(jax.random.key(2), 2), params))
    check_steps(env, params, trajectory, jax.random.key, monkeypatch)
    assert {kernel.name for kernel in kernels} == {"jaxenv_rollout", "jaxenv_step", "jaxenv_reset"}
    if not nvrtc_is_missing():
        for kernel in {kernel.name: kernel for kernel in kernels}.values():
            text = nvrtc.ptx(f"{prelude()}\n{kernel.source}", (9, 0))
            assert f".entry {kernel.name}" in text
            assert not miscompiled(text)


@pytest.mark.long
@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_a_kernel_plays_every_environment_with_jaxenvs_keys(spec, kernels, monkeypatch):
    env, params, trajectory = check_rollout(spec, jaxenv.random.key)
    check_steps(env, params, trajectory, jaxenv.random.key, monkeypatch)


def table(params, obs, key):
    """A policy that looks something up."""
    return jnp.argmax(params[jnp.sum(obs).astype(jnp.int32) % 3]).astype(jnp.int32)


POLICIES = {
    "linear": (lambda w, obs, key: jax.random.categorical(key, jnp.ravel(obs) @ w), lambda n: jnp.ones((n, 2)) * 0.1, None),
    "table": (table, lambda n: jnp.eye(3, 2), None),
    "recurrent": (
        lambda w, carry, obs, key: (jnp.tanh(carry + jnp.ravel(obs) @ w), jnp.argmax(carry)),
        lambda n: jnp.ones((n, 2)) * 0.1,
        jnp.zeros(2),
    ),
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("env_id", ["CartPole-v1", "MemoryChain-bsuite"])
def test_a_kernel_plays_policies_as_a_scan(name, env_id, kernels):
    env, params = jaxenv.make(env_id)
    policy, weights, carry = POLICIES[name]
    given = weights(env.observation_space(params).sample(jax.random.key(0)).size)
    kernel, scan = (
        jaxenv.rollout(
            env, params, policy, jax.random.key(1), num_envs=9, num_steps=30, policy_params=given, initial_carry=carry, fused=fused
        )
        for fused in (True, False)
    )
    assert kernel.executor == "kernel"
    assert_alike(kernel, scan.replace(executor="kernel", reason=""), rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def compiler():
    if why := nvrtc_is_missing():
        pytest.skip(why)


def miscompiled(text: str) -> bool:
    """Whether PTX holds max(min(x, c), 0), after which ptxas may take smaller numbers than c for c (see the prelude)."""
    smaller = set(re.findall(r"min\.s32 \t(%r\d+),", text))
    return any(x in smaller for x in re.findall(r"max\.s32 \t%r\d+, (%r\d+), 0;", text))


def test_clamps_at_0_are_written_so_that_ptxas_compiles_them(compiler):
    source = """KERNEL(128) clamped(const int32_t* x, int32_t* y) {{
      const int32_t a = x[THREAD] < 9 ? x[THREAD] : 9, b = {};
      y[THREAD] = b == 9 ? x[1000] : b;
    }}"""
    plain, bits = (nvrtc.ptx(f"{prelude()}\n{source.format(b)}", (9, 0)) for b in ("a > 0 ? a : 0", "at_least_0(a)"))
    assert miscompiled(plain)  # else NVRTC does away with it, and so may the kernels
    assert not miscompiled(bits)


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 9), (9, 0)])
def test_nvrtc_compiles_for_every_architecture(capability, kernels, compiler):
    env, params = jaxenv.make("CartPole-v1")
    jax.block_until_ready(jaxenv.rollout(env, params, None, jax.random.key(1), num_envs=2, num_steps=1))
    (kernel, *_) = kernels
    assert f"sm_{capability[0]}{capability[1]}" in nvrtc.ptx(f"{prelude()}\n{kernel.source}", capability)


def test_nvrtc_says_what_it_refuses(compiler):
    with pytest.raises(nvrtc.NvrtcError, match=r"(?s)NVRTC says .*COMPILATION.*nonsense"):
        nvrtc.ptx("nonsense", (9, 0))


def test_the_text_of_a_kernel_names_what_it_reads_and_writes(kernels):
    env, params = jaxenv.make("Pendulum-v1")
    jax.block_until_ready(jaxenv.rollout(env, params, None, jax.random.key(1), num_envs=2, num_steps=1))
    source = kernels[0].source
    assert "// What goes from step to step." in source
    for name in ("params_g[0]", "now_state_theta", "rows_reward", "last_state_theta"):
        assert name in source
