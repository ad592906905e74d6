"""Rollouts in one kernel, of every class of environment."""

import jax
import jaxenv
import pytest
from jaxenv import rollouts
from likeness import assert_alike

try:
    import jaxenv.fused.play
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

pytestmark = pytest.mark.usefixtures("mnist")

FIRST = list({spec.entry_point: spec for spec in reversed(jaxenv.registered_envs())}.values())[::-1]
SHORT = ("Acrobot-v1", "FourRooms-misc", "GaussianBandit-misc", "Breakout-MinAtar", "SpaceInvaders-MinAtar")
"""Different kinds of steps: floats, a table, what an environment reports of itself, bits, many operations."""


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_every_environment_compiles_to_a_gpu_kernel(spec):
    """As far as that goes without a GPU: to the program that XLA hands to Triton."""
    env, params = jaxenv.make(spec)

    @jax.jit
    def states(key):
        fusing = rollouts.Fusing(required=True, interpret=False)
        _, play = rollouts.playing(env, None, 33, 1, params, key, fusing=fusing)
        return play(None, 0, 3)[0][1]

    lowered = states.trace(jax.random.key(0)).lower(lowering_platforms=("cuda",))
    assert "jaxenv_fused_scan" in lowered.as_text()


def check(spec, make_key):
    env, params = jaxenv.make(spec)
    fused, scanned = (
        jaxenv.rollout(env, params, None, make_key(1), num_envs=33, num_steps=40, fused=fused) for fused in (True, False)
    )
    assert_alike(fused, scanned, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("env_id", SHORT)
def test_a_kernel_plays_as_a_scan(env_id):
    check(env_id, jaxenv.random.key)


@pytest.mark.long
@pytest.mark.parametrize("make_key", [jax.random.key, jaxenv.random.key], ids=["threefry", "jaxenv"])
@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_a_kernel_plays_every_environment_as_a_scan(spec, make_key):
    check(spec, make_key)
