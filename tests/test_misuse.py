"""What is typed by mistake is refused in one sentence, by every environment: batches without vmap, states and keys of others."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.errors import ArgumentTypeError, BatchError, JaxenvError, KeyTypeError, ParamsTypeError, StateTypeError
from jaxenv.wrappers import RecordEpisodeStatistics, ScaleReward

pytestmark = pytest.mark.usefixtures("mnist", "unoptimized")

SPECS = jaxenv.registered_envs()
FIRST = list({spec.entry_point: spec for spec in reversed(SPECS)}.values())[::-1]
"""The first id of each class."""
KEY = jax.random.key(0)


def stacked(tree, n=4):
    return jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * n), tree)


def error_text(error, function, *args, **kwargs):
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    text = str(caught.value).partition("\n---")[0]
    assert isinstance(caught.value, JaxenvError)
    assert not any(word in text for word in ("Tracer", "<traced")), text
    return text


@pytest.fixture(scope="module", params=FIRST, ids=lambda spec: spec.id)
def made(request):
    env, params = jaxenv.make(request.param)
    obs, state = env.reset(KEY, params)
    action = env.action_space(params).sample(KEY)
    return env, params, state, action


KEYS = {"typed": jax.random.split(KEY, 4), "raw": jax.random.split(jax.random.PRNGKey(0), 4)}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_a_batch_of_keys(made, keys):
    env, params, state, action = made
    for call, how in (
        (lambda: env.reset(keys, params), "jax.vmap(env.reset, in_axes=(0, None))"),
        (lambda: env.step(keys, state, action, params), "jax.vmap(env.step, in_axes=(0, 0, 0, None))"),
        (lambda: env.step_env(keys, state, action, params), "jax.vmap(env.step, "),
        (lambda: env.action_space(params).sample(keys), "jax.vmap(space.sample)(keys)"),
        (lambda: env.observation_space(params).sample(keys), "jax.vmap(space.sample)(keys)"),
    ):
        text = error_text(BatchError, call)
        assert text.startswith("key is ")
        assert "[4" in text
        assert how in text


def test_a_batch_of_states(made):
    env, params, state, action = made
    states = stacked(state)
    for call in (
        lambda: env.step(KEY, states, action, params),
        lambda: env.step_env(KEY, states, action, params),
        lambda: env.restart(KEY, states, params),
    ):
        text = error_text(BatchError, call)
        assert f"{env.name}'s state" in text
        assert "[4" in text
        assert "jax.vmap(env.step, in_axes=(0, 0, 0, None))" in text
    assert "jax.vmap(env.render, in_axes=(0, None))" in error_text(BatchError, env.render, states, params)


def test_a_batch_of_actions(made):
    env, params, state, action = made
    for step in (env.step, env.step_env):
        text = error_text(BatchError, step, KEY, state, stacked(action), params)
        assert f"{env.name}'s action is" in text
        assert "jax.vmap(env.step" in text


def test_a_batch_of_params(made):
    env, params, state, action = made
    many = params.replace(max_steps_in_episode=np.arange(1, 5, dtype=np.int32))
    for call in (lambda: env.reset(KEY, many), lambda: env.step(KEY, state, action, many)):
        text = error_text(BatchError, call)
        assert "max_steps_in_episode is int32[4], but a number was expected" in text
        assert "jax.vmap(env.step, in_axes=(0, 0, 0, 0))" in text


def test_the_state_of_another_environment(made):
    env, params, state, action = made
    other, other_params = jaxenv.make("Pendulum-v1" if env.name != "Pendulum" else "CartPole-v1")
    others = other.reset(KEY, other_params)[1]
    for call in (
        lambda: env.step(KEY, others, action, params),
        lambda: env.step_env(KEY, others, action, params),
        lambda: env.render(others, params),
        lambda: env.restart(KEY, others, params),
    ):
        text = error_text(StateTypeError, call)
        assert f"the state is a {type(others).__name__}, but a {type(state).__name__} was expected" in text
        assert "Pass the state that this environment's reset or step returned" in text
    wrapped = RecordEpisodeStatistics(env)
    assert "RecordEpisodeStatisticsState was expected" in error_text(StateTypeError, wrapped.step, KEY, state, action, params)
    nested = wrapped.reset(KEY, params)[1].replace(env_state=others)
    assert "state.env_state is a" in error_text(StateTypeError, wrapped.step, KEY, nested, action, params)


def test_a_leaf_of_another_dtype_is_the_callers_not_the_authors(made):
    env, params, state, action = made
    wrong = state.replace(time=jnp.float32(0.0))
    text = error_text(StateTypeError, env.step, KEY, wrong, action, params)
    assert "state.time is float32[], but int32[] was expected" in text
    assert "init" not in text


@pytest.mark.parametrize("given", [0, "seed", None, 1.5, np.zeros(2, np.int32), np.zeros(3, np.uint32)], ids=repr)
def test_a_key_that_is_not_one(made, given):
    env, params, state, action = made
    for call in (lambda: env.reset(given, params), lambda: env.step(given, state, action, params)):
        assert "random key" in error_text((KeyTypeError, ArgumentTypeError), call)


def test_an_id_where_params_or_an_environment_belong(made):
    env, params, state, action = made
    assert "takes params of type" in error_text(ParamsTypeError, env.reset, KEY, "CartPole-v1")
    assert "takes params of type" in error_text(ParamsTypeError, env.step, KEY, state, action, "CartPole-v1")
    assert "str 'CartPole-v1'" in error_text(JaxenvError, ScaleReward, "CartPole-v1", 2.0)
    assert "str 'up'" in error_text(ArgumentTypeError, env.step, KEY, state, "up", params)
    assert "object" in error_text(ArgumentTypeError, env.step, KEY, state.replace(time=object()), action, params)
    other = jaxenv.make("Pendulum-v1" if env.name != "Pendulum" else "CartPole-v1")[1]
    assert "takes params of type" in error_text(ParamsTypeError, ScaleReward(env, 2.0).reset, KEY, other)


def test_under_vmap_the_same_calls_work(made):
    env, params, state, action = made
    obs, states = jax.eval_shape(jax.vmap(env.reset, in_axes=(0, None)), KEYS["typed"], params)
    results = jax.eval_shape(jax.vmap(env.step, in_axes=(0, 0, 0, None)), KEYS["raw"], states, stacked(action), params)
    assert results[:2] == (obs, states)
    many = jax.tree.map(lambda leaf: stacked(leaf), params)
    results = jax.eval_shape(jax.vmap(env.step, in_axes=(0, 0, 0, 0)), KEYS["typed"], states, stacked(action), many)
    assert results[:2] == (obs, states)


def test_params_may_be_left_out_of_spaces_and_drawings(made):
    env, params, state, _ = made
    assert env.action_space() == env.action_space(params)
    assert repr(env.observation_space()) == repr(env.observation_space(params))
    np.testing.assert_array_equal(env.render(state), env.render(state, params))


def test_a_choice_outside_of_its_space_acts_as_the_nearest(made):
    env, params, state, _ = made
    space = env.action_space(params)
    if not isinstance(space, jaxenv.spaces.Discrete):
        pytest.skip("actions are no choices")
    low, high = space.start, space.start + space.n - 1
    for given, nearest in ((low - 1, low), (-99, low), (high + 1, high), (99, high)):
        a, b = (env.step(KEY, state, jnp.int32(choice), params) for choice in (given, nearest))
        jax.tree.map(np.testing.assert_array_equal, a[:4], b[:4])


def test_one_component_in_any_shape(made):
    env, params, state, action = made
    space = env.action_space(params)
    if space.flat_size() == 1 and isinstance(space, jaxenv.spaces.Box):
        forms = [action, action[0], float(action[0]), [float(action[0])], np.asarray(action).reshape(1, 1)]
    elif isinstance(space, jaxenv.spaces.Discrete):
        choice = int(action)
        forms = [action, choice, [choice], np.array([choice]), float(choice), np.float32(choice), [float(choice)]]
        text = error_text(JaxenvError, env.step, KEY, state, 0.5, params)
        assert "a member of Discrete" in text
        assert ".astype(jnp.int32)" in text
    else:
        pytest.skip("actions have several components")
    first, *others = [env.step(KEY, state, form, params)[:4] for form in forms]
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, first, other)
