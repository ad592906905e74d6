"""The sample plugin's own tests: every promise of the protocol, and what the task says. Public interface only."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import jaxenv
import pytest
from jaxenv.testing import check_env
from jaxenv_greenhouse import Greenhouse, GreenhouseState
from jaxenv_greenhouse.greenhouse import Draws
from jaxenv_greenhouse.plugin import ENVS


@pytest.mark.parametrize("name", [spec.name for spec in ENVS])
def test_every_promise_is_kept(name):
    spec = jaxenv.spec(f"greenhouse/{name}")
    env, params = jaxenv.make(spec.id)
    report = check_env(env, params, spec=spec)
    assert report.passed


def test_the_winter_is_cold_and_its_forecast_long():
    env, params = jaxenv.make("greenhouse/GreenhouseWinter-v0")
    assert (params.outside_mean, env.forecast_steps) == (-8.0, 12)


@pytest.mark.parametrize(("vent", "cooled"), [(0, 0.02), (1, 0.1), (2, 0.02)], ids=["closed", "open", "mist"])
def test_an_open_vent_exchanges_five_times_the_air(vent, cooled):
    env = Greenhouse()
    params = env.default_params.replace(outside_mean=10.0, outside_swing=0.0)
    state = GreenhouseState(temperature=jnp.float32(20), moisture=jnp.float32(0.5), clock=jnp.int32(0))
    action = {"heat": jnp.float32(0), "vent": jnp.int32(vent)}
    out = env.dynamics(state, action, Draws(gust=jnp.float32(0)), params)
    assert float(out.state.temperature) == pytest.approx(20 - 10 * cooled)


def test_frost_ends_the_episode():
    env = Greenhouse()
    state = GreenhouseState(temperature=jnp.float32(0.1), moisture=jnp.float32(0.5), clock=jnp.int32(0))
    action = {"heat": jnp.float32(0), "vent": jnp.int32(1)}
    out = env.dynamics(state, action, Draws(gust=jnp.float32(-3)), env.default_params)
    assert bool(out.terminated)


def test_it_can_be_optimised_through():
    env = Greenhouse()
    _, state = env.reset(jax.random.key(0))

    def reward(heat):
        return env.step(jax.random.key(1), state, {"heat": heat, "vent": 0})[2]

    assert jax.grad(reward)(0.5) != 0


def test_its_command_joins_the_command_line():
    done = subprocess.run([sys.executable, "-m", "jaxenv.cli", "weather"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[5] == "15:00  14.0 °C"
