"""MinAtar's five games in lockstep with the installed package, from reset onward."""

import dataclasses

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.environment import NO_TIME_LIMIT
from jaxenv.testing import enable_x64
from jaxenv_minatar import oracle
from jaxenv_minatar.oracle import compare, compare_with_reference
from jaxenv_minatar.reference_games import REFERENCE_GAMES, Call

GAMES = ["Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"]


def assert_passes(report, transitions):
    assert report.passed, [q for q in report.quantities if not q.passed]
    assert report.transitions >= transitions
    assert all(q.tolerance == 0.0 for q in report.quantities)


def never_reached(report):
    counts = (part.rsplit(" ", 2) for part in report.notes[-1].removeprefix("reached: ").split(", "))
    return {name for name, count, _ in counts if count == "0"}


@pytest.mark.parametrize("game", GAMES)
def test_whole_episodes_equal_minatar_and_reach_what_matters(game):
    report = compare_with_reference(jaxenv.spec(f"minatar/{game}-MinAtar"), transitions=20_000, seed=0)
    assert_passes(report, 20_000)
    assert {"observation", "reward", "terminated"} < {q.name for q in report.quantities}
    assert not never_reached(report)


@pytest.mark.long
@pytest.mark.parametrize("game", GAMES)
def test_whole_episodes_equal_minatar_at_full_length(game):
    assert_passes(compare_with_reference(jaxenv.spec(f"minatar/{game}-MinAtar"), transitions=200_000, seed=1), 200_000)


@pytest.mark.parametrize("game", ["Asterix", "Seaquest"])
def test_settings_equal_minatar(game):
    env, params = jaxenv.make(f"minatar/{game}-MinAtar")
    env = dataclasses.replace(env, minimal_actions=False)
    params = params.replace(sticky_action_prob=0.3, ramping=False)
    assert_passes(compare(game, env, params, transitions=3_000, seed=2), 3_000)


@pytest.mark.parametrize("game", GAMES)
def test_x64_equals_minatar(game):
    with enable_x64():
        report = compare_with_reference(jaxenv.spec(f"minatar/{game}-MinAtar"), transitions=600, seed=3)
    assert_passes(report, 600)


def test_the_oracle_sees_a_difference(monkeypatch):
    wrong = REFERENCE_GAMES["Breakout"]._replace(attributes={"pos": REFERENCE_GAMES["Breakout"].attributes["ball_x"]})
    monkeypatch.setitem(REFERENCE_GAMES, "Breakout", wrong)
    env, params = jaxenv.make("minatar/Breakout-MinAtar")
    assert not compare("Breakout", env, params, transitions=100, seed=0).passed


def test_the_scripted_generator_fails_on_a_wrong_or_a_missing_draw():
    generator = oracle.ScriptedGenerator("MinAtar")
    generator.push([Call("rand", (), 0.5)])
    with pytest.raises(AssertionError, match="MinAtar drew randint"):
        generator.randint(3)
    generator.push([Call("rand", (), 0.5)])
    with pytest.raises(AssertionError, match="did not draw"):
        generator.finish()
    assert generator.rand() == 0.5
    with pytest.raises(AssertionError, match="drew nothing more"):
        generator.rand()


@pytest.mark.parametrize("game", GAMES)
def test_no_time_limit_unless_one_is_set(game):
    env, params = jaxenv.make(f"minatar/{game}-MinAtar")
    assert params.max_steps_in_episode == NO_TIME_LIMIT
    params = params.replace(max_steps_in_episode=3)
    obs, state = env.reset(jax.random.key(0), params)
    for step in (1, 2, 3):
        obs, state, _, done, info = env.step(jax.random.key(step), state, 0, params)
        assert (bool(done), bool(info["truncated"]), bool(info["terminated"])) == (step == 3, step == 3, False)
    assert obs.dtype == jnp.bool_
    assert int(state.time) == 0


@pytest.mark.parametrize("game", GAMES)
def test_observations_are_boolean_and_spaces_match(game):
    env, params = jaxenv.make(f"minatar/{game}-MinAtar")
    obs, state = env.reset(jax.random.key(0), params)
    assert obs.dtype == jnp.bool_
    assert obs.shape == (10, 10, len(env.channels))
    assert bool(env.observation_space(params).contains(obs))
    spec = jax.tree.map(lambda x: (x.shape, x.dtype), state)
    after = env.step(jax.random.key(1), state, 0, params)[1]
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == spec


@pytest.mark.parametrize("game", GAMES)
def test_action_sets_are_minatars(game):
    import minatar

    env, params = jaxenv.make(f"minatar/{game}-MinAtar")
    assert list(env.minimal_action_set) == minatar.Environment(REFERENCE_GAMES[game].name).minimal_action_set()
    assert env.action_space(params).n == len(env.minimal_action_set)
    assert dataclasses.replace(env, minimal_actions=False).action_space(params).n == 6


@pytest.mark.parametrize("game", GAMES)
def test_sticky_actions_by_default_and_the_last_action_survives_a_reset(game):
    env, params = jaxenv.make(f"minatar/{game}-MinAtar")
    assert params.sticky_action_prob == 0.1
    env = dataclasses.replace(env, minimal_actions=False)
    _, state = env.reset(jax.random.key(0), params)
    assert int(state.last_action) == 0
    keys = jax.random.split(jax.random.key(1), 4_000)
    executed = jax.vmap(lambda key: env.step(key, state, 1, params)[1].last_action)(keys)
    assert set(np.unique(executed)) == {0, 1}
    assert abs(float((executed == 0).mean()) - 0.1) < 0.02
    ended = params.replace(max_steps_in_episode=1, sticky_action_prob=0.0)
    _, state, _, done, _ = env.step(jax.random.key(2), state, 3, ended)
    assert bool(done)
    assert int(state.last_action) == 3
    _, state, *_ = env.step(jax.random.key(3), state, 1, params.replace(sticky_action_prob=1.0))
    assert int(state.last_action) == 3
