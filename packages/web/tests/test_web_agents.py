"""Weights as text, what rounding leaves of them, and policies in JavaScript."""

import json
import shutil
import subprocess

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.registry import LoadedPolicy
from jaxenv_web import agents
from jaxenv_web.assets import asset
from jaxenv_web.errors import NotWritableError
from jaxenv_web.javascript import Tables
from jaxenv_web.pages import arithmetic
from jaxenv_web.programs import Programs, values

pytestmark = pytest.mark.usefixtures("unoptimized")

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def node(code, folder):
    (folder / "agent.js").write_text(code, encoding="utf-8")
    done = subprocess.run([NODE, folder / "agent.js"], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("levels", agents.LEVELS)
def test_weights_are_read_as_they_were_rounded(levels, tmp_path):
    array = np.random.default_rng(0).normal(size=(13, 7)).astype(np.float32)
    weights = agents.Weights("W", array, levels)
    code = f"{asset('weights.js')}\n{weights.text}\nconsole.log(JSON.stringify(Array.from(W)));"
    np.testing.assert_array_equal(np.array(node(code, tmp_path), np.float32)[: array.size].reshape(array.shape), weights.values)


@pytest.mark.parametrize(("levels", "error"), [(65_536, 5e-4), (255, 0.01), (91, 0.03), (15, 0.2)])
def test_fewer_levels_are_further_from_the_weights(levels, error):
    array = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    weights = agents.Weights("W", array, levels)
    assert error / 20 < np.sqrt(np.mean(np.square(weights.values - array))) < error


def test_text_of_weights_needs_no_escapes():
    assert len(agents.CHARACTERS) == 92
    assert not set('"<\\') & set(agents.CHARACTERS)


def policy_of(width):
    def policy(weights, obs, key):
        hidden = jnp.tanh(obs @ weights["in"] + weights["bias"])
        return jnp.argmax(jnp.tanh(hidden @ weights["hidden"]) @ weights["out"]).astype(jnp.int32)

    draw = np.random.default_rng(1)
    weights = {"in": draw.normal(size=(4, width)), "bias": draw.normal(size=width), "hidden": draw.normal(size=(width, width))}
    weights["out"] = draw.normal(size=(width, 2))
    return LoadedPolicy(policy, jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), weights))


@pytest.fixture(scope="module")
def cartpole():
    pytest.importorskip("jaxenv_classic")
    return Programs(*jaxenv.make("CartPole-v1"))


@needs_node
@pytest.mark.parametrize("width", [16, 64])
def test_a_network_acts_as_in_jax(cartpole, width, tmp_path):
    loaded, tables = policy_of(width), Tables()
    agent = agents.agent(cartpole, loaded, tables)
    obs = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
    code = [arithmetic(agent.source), asset("weights.js"), agent.weights, *tables.lines, agent.source]
    call = f"console.log(JSON.stringify({json.dumps(obs.tolist())}.map(obs => act(null, obs, [0, 0, 0, 0]))));"
    found = node("\n".join([*code, call]), tmp_path)
    half = jax.tree.map(lambda x: x.astype(jnp.float16).astype(jnp.float32), loaded.policy_params)
    expected = jax.vmap(lambda obs: loaded.policy(half, obs, None))(obs)
    assert np.mean(np.array(found) == np.asarray(expected)) >= 0.96
    assert 0.1 < np.mean(found) < 0.9


def test_the_largest_arrays_are_rounded_most(cartpole):
    agent = agents.agent(cartpole, policy_of(450), Tables())
    assert agent.size <= agents.MOST_BYTES
    assert sorted(agent.levels)[0] < 255
    assert agent.levels.count(65_536) == 3


def test_an_agent_that_is_too_large_is_refused(cartpole):
    with pytest.raises(NotWritableError, match=r"the agent has [\d,]+ bytes, where at most 200,000 fit"):
        agents.agent(cartpole, policy_of(640), Tables())


@needs_node
def test_a_carry_goes_from_step_to_step(cartpole, tmp_path):
    def policy(weights, carry, obs, key):
        carry = 0.5 * carry + obs[:2] * weights
        return carry, (carry.sum() > 0).astype(jnp.int32)

    loaded = LoadedPolicy(policy, jnp.float32(2.0), jnp.zeros(2))
    tables = Tables()
    agent = agents.agent(cartpole, loaded, tables)
    assert agent.carry == values(jnp.zeros(2))
    one = "const now = act(carry, [x, x, 0, 0], [0]); carry = now.carry; return [...carry, now.action];"
    call = f"let carry = [0, 0]; const out = [1, -3, 1].map(x => {{ {one} }});"
    code = [arithmetic(agent.source), asset("weights.js"), agent.weights, *tables.lines, agent.source, call]
    found = node("\n".join([*code, "console.log(JSON.stringify(out));"]), tmp_path)
    assert found == [[2, 2, 1], [-5, -5, 0], [-0.5, -0.5, 0]]
