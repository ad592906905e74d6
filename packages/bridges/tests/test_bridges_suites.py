"""One environment of each suite: made, examined, compared with the suite's own steps, drawn, and played from the command line."""

import json
import pickle
import subprocess
import sys
from importlib import metadata

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.errors import RenderNotSupportedError
from jaxenv.registry.lookup import spec as find_spec
from jaxenv.testing.checks import CHECKS
from jaxenv.testing.conformance import ConformanceRun
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv_bridges.base import standard_promotion, suite_key
from jaxenv_bridges.suites import SUITES, is_installed

EXAMPLES = {
    "brax": "brax/inverted_pendulum",
    "craftax": "craftax/Craftax-Classic-Symbolic-v1",
    "gymnax": "gymnax/Pendulum-v1",
    "jumanji": "jumanji/Snake-v1",
    "navix": "navix/Navix-Empty-8x8-v0",
    "pgx": "pgx/2048",
    "xminigrid": "xminigrid/MiniGrid-Empty-8x8",
}
MORE = (
    "gymnax/CartPole-v1",
    "jumanji/Maze-v0",
    "jumanji/LevelBasedForaging-v0",
    "pgx/tic_tac_toe",
    "pgx/minatar-breakout",
    "brax/ant",
)
DRAWN = ("craftax", "navix", "xminigrid")
LONG = {"brax": ("eager", "vmap", "retrace", "ranges", "raw_keys")}
LONG["craftax"] = tuple(check.name for check in CHECKS[[check.name for check in CHECKS].index("vmap") :])
"""Checks of environments that take long to compile, or to step without compiling: the long tests run them."""


def broken(env_id):
    """Return the promises that the suite breaks, with the reason."""
    suite = env_id.partition("/")[0]
    found = {}
    if suite == "navix":
        found["x64"] = "the branches of a cond in NAVIX's step differ in their dtypes"
        if metadata.version("navix").startswith("0."):
            found["observations"] = found["ranges"] = "NAVIX 0.7 numbers the player 10, above the 8 of its space"
    if suite == "craftax":
        found["x64"] = "a select in Craftax's step takes two dtypes of integers"
    if env_id == "jumanji/Maze-v0":
        found["x64"] = "a select in Maze's step takes two dtypes of integers"
    if env_id == "pgx/tic_tac_toe":
        found["x64"] = "a select in the game takes two dtypes of integers"
        found["no_own_reset"] = "at the end of a game Pgx makes every action legal, as at its beginning"
    return found


@pytest.fixture(params=list(SUITES))
def suite(request):
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def run_checks(env_id, findings, without=()):
    """Run the checks, and require that those fail, and only those, that the suite is known to fail."""
    spec = find_spec(env_id)
    env, _ = jaxenv.make(spec)
    results = list(
        ConformanceRun(EnvironmentUnderTest(env, None, spec=spec)).results({check.name for check in CHECKS} - set(without))
    )
    failures = {result.check: result.message for result in results if result.outcome == "failed"}
    known = broken(env_id)
    suite = env_id.partition("/")[0]
    findings.append(
        {
            "id": env_id,
            "suite": suite,
            "version": metadata.version(suite),
            "ids": len(jaxenv.registered_envs(suite)),
            "checks": {result.check: result.outcome for result in results},
            "broken": known,
        }
    )
    assert set(failures) == set(known), failures


def test_one_environment_passes_the_kit_but_for_what_its_suite_breaks(suite, findings):
    run_checks(EXAMPLES[suite], findings, LONG.get(suite, ()))


@pytest.mark.long
@pytest.mark.parametrize("env_id", [*EXAMPLES.values(), *MORE])
def test_more_environments_pass_the_kit_but_for_what_their_suites_break(env_id, findings):
    if not is_installed(env_id.partition("/")[0]):
        pytest.skip("the suite is not installed")
    run_checks(env_id, findings)


@pytest.mark.long
def test_every_id_can_be_traced(suite):
    failed = {}
    for spec in jaxenv.registered_envs(suite):
        if spec.name in ("Sokoban-v0", "MNISTBandit-bsuite"):  # their data is downloaded
            continue
        if spec.id == "brax/swimmer":  # Brax 0.14.2 calls clip with a_min, which JAX 0.11 does not take
            continue
        try:
            env, params = jaxenv.make(spec)
            key = jax.eval_shape(lambda: jax.random.key(0))
            obs, state = jax.eval_shape(env.reset, key, params)
            action = jax.eval_shape(env.action_space(params).sample, key)
            after = jax.eval_shape(env.step, key, state, action, params)
            assert jax.tree.structure(after[0]) == jax.tree.structure(obs)
        except Exception as error:
            failed[spec.id] = repr(error)
    assert not failed


def original_step(suite, env, params, key, inner, action):
    """Take a step by the suite's own interface: its state after the step, observation, reward, and whether the episode ended."""
    original = env.original
    match suite:
        case "brax":
            after = original.step(inner, action)
            return after, after.obs, after.reward, after.done
        case "craftax":
            obs, after, reward, done, _ = original.step(key, inner, action, original.default_params)
            return after, obs, reward, done
        case "gymnax":
            obs, after, reward, done, _ = original.step_env(key, inner, action, original.default_params)
            return after, obs, reward, done
        case "jumanji":
            after, timestep = original.step(inner, action)
            return after, timestep.observation._asdict(), timestep.reward, timestep.step_type == 2
        case "navix":
            after = original.step(env._with_tiles(inner), action)
            return after.replace(state=after.state.replace(cache=None)), after.observation, after.reward, after.step_type == 2
        case "pgx":
            after = original.step(inner, action, key)
            return after, after.observation, after.rewards[0], after.terminated
        case "xminigrid":
            after = original.step(env.built.more, inner, action)
            return after, after.observation, after.reward, after.discount == 0


def test_a_step_is_the_suites_own(suite):
    """With the key that the bridge passes on, over an episode or 12 steps of one."""
    env, params = jaxenv.make(EXAMPLES[suite])
    key = jax.random.key(3)
    _, state = env.reset(key, params)
    step = jax.jit(lambda *args: original_step(suite, env, params, *args))
    for _ in range(12):
        key, key_act, key_step = jax.random.split(key, 3)
        action = env.action_space(params).sample(key_act)
        # A step's key is split where a reset draws too; the transition is what the bridge adds to core.
        with standard_promotion():
            expected = step(suite_key(key_step), state.inner, action)
        out = jax.jit(env.transition)(key_step, state, action, params)
        found = out.state.inner, env.observe(out.state, params), out.reward, out.terminated
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=1e-4, atol=1e-5)
        state = out.state
        if out.terminated:
            break


def test_an_episode_is_truncated_and_begins_anew_within_the_step(suite):
    env, params = jaxenv.make(EXAMPLES[suite], max_steps_in_episode=2)
    _, state = env.reset(jax.random.key(0), params)
    for t in (1, 2):
        action = env.action_space(params).sample(jax.random.key(t))
        obs, state, _, done, info = env.step(jax.random.key(t), state, action, params)
        if info["terminated"]:  # by the task itself
            break
        assert bool(done) == bool(info["truncated"]) == (t == 2)
    assert int(state.time) == 0
    assert float(info["discount"]) == 1.0 - float(info["terminated"])
    np.testing.assert_array_equal(jax.tree.leaves(obs)[0], jax.tree.leaves(env.observe(state, params))[0])
    assert env.observation_space(params).contains(info["final_observation"])


def test_a_drawing_is_a_picture_or_a_reason(suite):
    env, params = jaxenv.make(EXAMPLES[suite])
    _, state = env.reset(jax.random.key(0), params)
    if suite in DRAWN:
        image = jax.jit(env.render, static_argnums=2)(state, params, (48, 64))
        assert image.shape == (48, 64, 3)
        assert image.dtype == jnp.uint8
        assert len(np.unique(np.asarray(image))) > 3
    else:
        with pytest.raises(RenderNotSupportedError, match=r"can't be drawn here, because .* draws .*\. Call .*\.$"):
            env.render(state, params)


def test_params_and_environment_can_be_pickled(suite):
    env, params = jaxenv.make(EXAMPLES[suite])
    assert pickle.loads(pickle.dumps(env)) == env
    again = pickle.loads(pickle.dumps(params))
    assert type(again) is type(params)
    assert jax.tree.map(np.asarray, jax.tree.leaves(again)) == jax.tree.map(np.asarray, jax.tree.leaves(params))


def test_a_rollout_from_the_command_line(suite):
    command = [sys.executable, "-m", "jaxenv", "rollout", EXAMPLES[suite], "--num-envs", "4", "--num-steps", "20", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["id"] == EXAMPLES[suite]
    assert np.isfinite(report["steps_per_second"])


class TestParams:
    def test_a_suites_numbers_are_leaves(self):
        pytest.importorskip("gymnax")
        env, params = jaxenv.make("gymnax/Pendulum-v1", g=5.0)
        assert params.g == 5.0
        assert params.max_steps_in_episode == 200
        light = env.action_space(params.replace(max_torque=0.5))
        assert light.high.tolist() == [0.5]
        state = env.reset(jax.random.key(0))[1]
        fast, slow = (env.step_env(jax.random.key(1), state, jnp.zeros(1), params.replace(g=g))[0] for g in (20.0, 0.0))
        assert not np.allclose(fast, slow)

    def test_rules_of_an_xland_task_are_params(self):
        pytest.importorskip("xminigrid")
        env, params = jaxenv.make("xminigrid/XLand-MiniGrid-R1-9x9")
        goal = params.ruleset.replace(goal=params.ruleset.goal.at[0].set(7))
        state = env.reset(jax.random.key(0), params.replace(ruleset=goal))[1]
        assert int(state.inner.state.goal_encoding[0]) == 7

    def test_options_reach_the_suite(self):
        pytest.importorskip("jumanji")
        env, _ = jaxenv.make("jumanji/Snake-v1", options=(("num_rows", 6), ("num_cols", 7)))
        assert env.observation_space()["grid"].shape[:2] == (6, 7)


class TestGamesOfSeveralPlayers:
    def play(self, *actions):
        env, params = jaxenv.make("pgx/tic_tac_toe")
        _, state = env.reset(jax.random.key(0), params)
        steps = []
        for action in actions:
            _, state, reward, _, info = env.step_env(jax.random.key(1), state, action, params)
            steps.append((float(reward), int(info["player"]), info["rewards"].tolist(), bool(info["terminated"])))
        return steps

    def test_the_reward_is_that_of_the_player_who_moved(self):
        pytest.importorskip("pgx")
        *_, last = self.play(0, 3, 1, 4, 2)
        reward, player, rewards, terminated = last
        assert (reward, terminated) == (1.0, True)
        assert rewards[player] == 1.0
        assert rewards[1 - player] == -1.0

    def test_players_take_turns(self):
        pytest.importorskip("pgx")
        players = [player for _, player, *_ in self.play(0, 3, 1, 4)]
        assert players == [players[0], players[1]] * 2
        assert players[0] != players[1]

    def test_an_illegal_move_loses(self):
        pytest.importorskip("pgx")
        reward, _, _, terminated = self.play(0, 0)[-1]
        assert (reward, terminated) == (-1.0, True)


def test_rewards_of_several_agents_are_added():
    pytest.importorskip("jumanji")
    env, params = jaxenv.make("jumanji/LevelBasedForaging-v0")
    assert params.max_steps_in_episode == 100
    key = jax.eval_shape(lambda: jax.random.key(0))
    _, state = jax.eval_shape(env.reset, key, params)
    _, _, reward, _, info = jax.eval_shape(env.step, key, state, jnp.zeros(2, jnp.int32), params)
    assert reward.shape == ()
    assert info["rewards"].shape == (2,)


def test_what_gymnax_keeps_from_one_episode_to_the_next_is_kept():
    pytest.importorskip("gymnax")
    env, params = jaxenv.make("gymnax/DeepSea-bsuite", max_steps_in_episode=1)
    _, state = env.reset(jax.random.key(0), params)
    _, ended, *_ = env.step_env(jax.random.key(1), state, 0, params)
    _, state, _, done, _ = env.step(jax.random.key(1), state, 0, params)
    assert done
    assert float(state.inner.denoised_return) == float(ended.inner.denoised_return)
    assert int(state.inner.time) == 0


def test_a_state_that_a_suite_writes_into_stays_what_it_was():
    pytest.importorskip("brax")
    env, params = jaxenv.make("brax/ant")
    key = jax.eval_shape(lambda: jax.random.key(0))
    _, state = jax.eval_shape(env.reset, key, params)
    _, after, *_ = jax.eval_shape(env.step, key, state, jax.ShapeDtypeStruct((8,), jnp.float32), params)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), after) == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state)
