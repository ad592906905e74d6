"""The protocol: what step returns on every kind of step, dtypes, keys, params, compilation."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from corridors import TRACES, Corridor, CorridorParams, NoisyCorridor
from jaxenv import environment as protocol
from jaxenv.environment import NO_TIME_LIMIT, Params
from jaxenv.testing import enable_x64


def play(env, params, actions, key=None):
    key = jax.random.key(0) if key is None else key
    obs, state = env.reset(key, params)
    steps = []
    for t, action in enumerate(actions):
        steps.append(env.step(jax.random.fold_in(key, t), state, action, params))
        state = steps[-1][1]
    return steps


def flags(step):
    _, _, _, done, info = step
    return bool(done), bool(info["terminated"]), bool(info["truncated"]), float(info["discount"])


def test_ordinary_step():
    env = Corridor()
    (step,) = play(env, env.default_params, [1])
    obs, state, reward, _, info = step
    assert flags(step) == (False, False, False, 1.0)
    assert int(state.time) == 1
    np.testing.assert_array_equal(obs, info["final_observation"])
    assert float(reward) == float(obs[0])


def test_termination_resets_and_reports_the_final_observation():
    env = Corridor()
    steps = play(env, env.default_params, [1, 1, 1, 1, 1])
    assert [flags(step) for step in steps[:3]] == [(False, False, False, 1.0)] * 3
    obs, state, reward, _, info = steps[3]
    assert flags(steps[3]) == (True, True, False, 0.0)
    assert int(state.time) == 0
    assert float(info["final_observation"][0]) >= 4
    assert float(reward) == float(info["final_observation"][0])
    assert float(obs[0]) < 0.5
    # The step after belongs to the next episode.
    assert int(steps[4][1].time) == 1
    assert flags(steps[4]) == (False, False, False, 1.0)


def test_time_limit_truncates_on_its_exact_step():
    env = Corridor()
    steps = play(env, env.default_params, [0] * 7)
    assert [flags(step)[0] for step in steps] == [False] * 5 + [True, False]
    assert flags(steps[5]) == (True, False, True, 1.0)


def test_termination_and_time_limit_on_the_same_step():
    env = Corridor()
    steps = play(env, env.default_params.replace(max_steps_in_episode=4), [1] * 4)
    assert flags(steps[3]) == (True, True, True, 0.0)


def test_carry_over_survives_the_reset():
    env = Corridor()
    steps = play(env, env.default_params.replace(max_steps_in_episode=2), [0] * 6)
    assert [int(step[1].episodes) for step in steps] == [0, 1, 1, 2, 2, 3]
    # The observation that begins the next episode sees it; the final one of the last does not.
    assert [float(step[0][1]) for step in steps] == [0, 1, 1, 2, 2, 3]
    assert float(steps[1][4]["final_observation"][1]) == 0


def test_step_env_is_the_step_without_the_reset():
    for env in (Corridor(), NoisyCorridor()):
        params = env.default_params
        key = jax.random.key(7)
        _, state = env.reset(key, params)
        state = state.replace(position=jnp.asarray(3.5))
        obs, after, reward, done, info = env.step_env(key, state, 1, params)
        _, _, step_reward, step_done, step_info = env.step(key, state, 1, params)
        assert bool(done)
        assert int(after.time) == 1
        np.testing.assert_array_equal(obs, step_info["final_observation"])
        assert (float(reward), bool(done)) == (float(step_reward), bool(step_done))
        assert info.keys() == step_info.keys()


class UndeclaredCorridor(Corridor):
    """Leaves open whether its transition draws, as an author may."""

    draws_in_transition = protocol.Environment.draws_in_transition


def test_the_reset_within_a_step_uses_the_whole_key_only_if_the_transition_declares_no_draw():
    key = jax.random.key(3)
    split = jax.random.split(key)[1]
    for env, key_reset in ((Corridor(), key), (NoisyCorridor(), split), (UndeclaredCorridor(), split)):
        params = env.default_params.replace(max_steps_in_episode=1)
        _, state = env.reset(jax.random.key(0), params)
        _, fresh, *_ = env.step(key, state, 0, params)
        assert float(fresh.position) == float(env.reset(key_reset, params)[1].position)


def test_equal_environments_share_one_compilation():
    params = CorridorParams(gain=0.25)
    a, b, other = Corridor(length=9), Corridor(length=9), Corridor(length=10)
    assert a == b
    assert hash(a) == hash(b)
    assert a != other
    for env in (a, b):
        play(env, params, [1])
    before = TRACES["transition"]
    play(Corridor(length=9), params.replace(gain=0.5), [1])
    assert TRACES["transition"] == before
    play(other, params, [1])
    assert TRACES["transition"] > before


def test_environments_are_frozen_dataclasses():
    env = Corridor(length=5)
    assert repr(env) == "Corridor(length=5)"
    assert dataclasses.replace(env, length=6) == Corridor(6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        env.length = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("x64", [False, True])
def test_dtypes_are_those_of_the_spaces_without_weak_types(x64):
    with enable_x64(x64):
        env = NoisyCorridor()
        params = env.default_params
        obs, state = env.reset(jax.random.key(0), params)
        results = env.step(jax.random.key(1), state, 1, params)
        for leaf in jax.tree.leaves((obs, state, results)):
            assert not leaf.weak_type
        obs, after, reward, done, info = results
        assert (obs.dtype, reward.dtype, done.dtype, after.time.dtype) == (jnp.float32, jnp.float32, jnp.bool_, jnp.int32)
        assert after.position.dtype == (jnp.float64 if x64 else jnp.float32)
        assert (info["discount"].dtype, info["truncated"].dtype) == (jnp.float32, jnp.bool_)
        assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)


@pytest.mark.parametrize("x64", [False, True])
def test_params_may_have_any_numeric_dtype(x64):
    with enable_x64(x64):
        env = Corridor()
        for gain in (1, np.float64(1), np.float32(1), jnp.bfloat16(1)):
            params = env.default_params.replace(gain=gain, max_steps_in_episode=np.int64(5))
            _, state = env.reset(jax.random.key(0), params)
            _, after, *_ = env.step(jax.random.key(1), state, np.int64(1), params)
            assert after.position.dtype == jnp.result_type(float)


def test_raw_and_typed_keys_give_the_same_trajectory():
    env = NoisyCorridor()
    typed = play(env, env.default_params, [1, 0, 1, 1, 1, 1], jax.random.key(5))
    raw = play(env, env.default_params, [1, 0, 1, 1, 1, 1], jax.random.PRNGKey(5))
    for a, b in zip(typed, raw, strict=True):
        jax.tree.map(np.testing.assert_array_equal, a, b)


def test_both_vmap_patterns():
    env = NoisyCorridor()
    params = env.default_params
    for keys in (jax.random.split(jax.random.key(0), 5), jax.random.split(jax.random.PRNGKey(0), 5)):
        obs, state = jax.vmap(env.reset, in_axes=(0, None))(keys, params)
        out = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, state, jnp.ones(5, jnp.int32), params)
        assert obs.shape == out[0].shape == (5, 2)
        assert out[2].shape == out[3].shape == (5,)
    stacked = jax.tree.map(lambda x: jnp.broadcast_to(x, (3,)), params).replace(gain=jnp.arange(3.0))
    key = jax.random.key(0)
    obs, state = jax.vmap(env.reset, in_axes=(None, 0))(key, stacked)
    obs, state, reward, done, info = jax.vmap(env.step, in_axes=(None, 0, 0, 0))(key, state, jnp.ones(3, jnp.int32), stacked)
    np.testing.assert_allclose(state.position - state.position[0], [0.0, 1.0, 2.0], rtol=1e-6)


def test_jit_equals_eager():
    env = NoisyCorridor()
    actions = [1, 0, 1, 1, 1, 1]
    jitted = play(env, env.default_params, actions)
    with jax.disable_jit():
        eager = play(env, env.default_params, actions)
    for a, b in zip(jitted, eager, strict=True):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), a, b)


def test_gradients_pass_through_a_step():
    env = Corridor()

    def final(gain):
        params = env.default_params.replace(gain=gain)
        _, state = env.reset(jax.random.key(0), params)
        for _ in range(3):
            _, state, reward, _, _ = env.step(jax.random.key(1), state, 1, params)
        return reward

    assert float(jax.grad(final)(0.5)) == pytest.approx(3.0)


def test_defaults_and_derived_properties():
    env = Corridor()
    obs, state = env.reset(jax.random.key(0))
    explicit = env.reset(jax.random.key(0), env.default_params)
    jax.tree.map(np.testing.assert_array_equal, (obs, state), explicit)
    assert (env.name, env.num_actions, env.unwrapped) == ("Corridor", 2, env)
    assert Params().max_steps_in_episode == NO_TIME_LIMIT


def test_state_space_has_the_shapes_and_dtypes_of_the_state():
    env = Corridor()
    _, state = env.reset(jax.random.key(0))
    space = env.state_space(env.default_params)
    assert bool(space.contains(state))
    assert set(space.spaces) == {"time", "position", "episodes"}
