"""Rollouts in one kernel, interpreted on a CPU: what a scan gives, for every form of a policy and under every transformation."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from corridors import Corridor, NoisyCorridor
from flax import linen as nn
from jax.sharding import Mesh
from jaxenv import rollouts
from jaxenv.errors import RolloutFusedError
from jaxenv.testing import enable_x64
from jaxenv.wrappers import ClipReward, LogWrapper, StickyAction
from likeness import assert_alike

try:
    import jaxenv.fused.play
    from jaxenv.fused.loop import Loop
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

KEY = jax.random.key(0)


def play(env, policy=None, key=KEY, params=None, **options):
    return jaxenv.rollout(env, params, policy, key, num_envs=5, num_steps=13, **options)


def same(env, policy=None, key=KEY, **options):
    fused, scanned = (play(env, policy, key, fused=fused, **options) for fused in (True, False))
    assert_alike(fused, scanned, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("env", [Corridor(), NoisyCorridor(length=3)], ids=lambda env: env.name)
@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey, jaxenv.random.key], ids=["threefry", "raw", "jaxenv"])
def test_a_random_policy_plays_as_in_a_scan(env, make_key):
    same(env, key=make_key(3))


def test_wrappers_play_as_in_a_scan():
    same(LogWrapper(ClipReward(StickyAction(NoisyCorridor(), 0.3), 0.0, 1.0)))


def test_a_policy_with_parameters_plays_as_in_a_scan():
    same(Corridor(), lambda weights, obs, key: jax.random.categorical(key, obs @ weights), policy_params=jnp.ones((2, 2)))


def test_a_recurrent_policy_plays_as_in_a_scan():
    def policy(carry, obs, key):
        carry = carry + obs[0]
        return carry, (carry > 2).astype(jnp.int32)

    same(Corridor(), policy, initial_carry=jnp.float32(0.5))


def test_double_precision_plays_as_in_a_scan():
    with enable_x64():
        same(NoisyCorridor())


def test_pieces_of_a_rollout_are_the_rollout():
    env = NoisyCorridor()
    begin, go_on = rollouts.playing(env, None, 5, 1, env.default_params, KEY, fusing=rollouts.Fusing(required=True, interpret=True))
    loop, first = go_on(begin(), 0, 6)
    loop, second = go_on(loop, 6, 7)
    whole = play(env, fused=True)
    jax.tree.map(np.testing.assert_array_equal, loop[1], whole.state)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)
    jax.tree.map(np.testing.assert_array_equal, joined, whole.trajectory)


@pytest.mark.parametrize("most", [30, 25])  # pieces of 6, 6 and 1 steps, or of 5, 5 and 3
def test_a_long_rollout_is_several_kernels(monkeypatch, most):
    whole = play(NoisyCorridor(), fused=True)
    played, original = [], Loop.call
    monkeypatch.setattr(Loop, "call", lambda self, *args: played.append(args) or original(self, *args))
    monkeypatch.setattr("jaxenv.fused.play.MOST_AT_ONCE", most)
    jax.clear_caches()
    pieces = play(NoisyCorridor(), fused=True)
    jax.tree.map(np.testing.assert_array_equal, pieces, whole)
    assert len(played) == 2, "one in a loop, and one for the rest"


def test_a_mesh_of_one_device_plays_the_same():
    mesh = Mesh(np.array(jax.devices()[:1]), "envs")
    jax.tree.map(np.testing.assert_array_equal, play(Corridor(), fused=True, mesh=mesh), play(Corridor(), fused=True))


def test_vmap_over_params_plays_each_as_alone():
    env = Corridor()
    gains = jnp.array([0.5, 1.0, 2.0], jnp.float32)

    def total(gain):
        return play(env, params=env.default_params.replace(gain=gain), fused=True).trajectory.reward

    many = jax.vmap(total)(gains)
    for i, gain in enumerate(gains):
        np.testing.assert_array_equal(many[i], total(gain))


def test_a_gradient_is_that_of_the_scan():
    env = Corridor()

    def mean_reward(gain, fused):
        return play(env, params=env.default_params.replace(gain=gain), fused=fused).trajectory.reward.mean()

    for derive in (jax.grad, jax.jacfwd):
        fused, scanned = (derive(mean_reward)(jnp.float32(1.0), fused) for fused in (True, False))
        assert scanned != 0
        np.testing.assert_allclose(fused, scanned, rtol=1e-6)


def test_a_network_is_refused_if_it_must_be_fused_and_else_played_by_a_scan():
    network = nn.Sequential([nn.Dense(64), nn.tanh, nn.Dense(64), nn.tanh, nn.Dense(2)])
    weights = network.init(KEY, jnp.zeros(2))
    policy = lambda weights, obs, key: jnp.argmax(network.apply(weights, obs))  # noqa: E731
    with pytest.raises(
        RolloutFusedError, match=r"The rollout of Corridor can't be fused .* more than 4,000 operations: .*Leave fused out"
    ):
        play(Corridor(), policy, policy_params=weights, fused=True)
    fusing = rollouts.Fusing(required=False, interpret=True)
    _, go_on = rollouts.playing(Corridor(), policy, 5, 1, Corridor().default_params, KEY, weights, fusing=fusing)
    scanned = play(Corridor(), policy, policy_params=weights, fused=False)
    jax.tree.map(np.testing.assert_array_equal, go_on(None, 0, 13)[1], scanned.trajectory)


def test_a_step_method_of_its_own_is_left_to_a_scan():
    class Stubborn(Corridor):
        def step(self, key, state, action, params=None):
            return super().step(key, state, action, params)

    with pytest.raises(RolloutFusedError, match="a step method of its own"):
        play(Stubborn(), fused=True)
    play(Stubborn())


def test_a_cpu_plays_by_a_scan_unless_told_otherwise():
    assert rollouts.Fusing.choose(None, KEY) is None
    assert rollouts.Fusing.choose(False, KEY) is None
    assert rollouts.Fusing.choose(True, KEY) == rollouts.Fusing(required=True, interpret=True)


def test_a_gpu_plays_by_a_kernel_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    chosen = []

    @jax.jit
    def choose(key):
        chosen.extend(rollouts.Fusing.choose(fused, key) for fused in (None, False, True))
        return key

    choose(KEY)
    assert chosen == [rollouts.Fusing(required=False, interpret=False), None, rollouts.Fusing(required=True, interpret=False)]


@pytest.mark.parametrize("env", [Corridor(), NoisyCorridor(length=3)], ids=lambda env: env.name)
def test_what_jax_keeps_of_a_program_holds_on_to_no_array(env):
    """Kernels and details are traced after the rest, so what they are made from stays: it must not be a value of the trace."""
    with jax.checking_leaks():
        played = jax.jit(lambda key: play(env, key=key, fused=True).trajectory)(jax.random.key(2))
    assert played.info["final_observation"].shape[:2] == (13, 5)
