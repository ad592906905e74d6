"""What oracles share: recorded draws, and the generator that returns them to a reference implementation."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jaxenv import Transition, random, wrappers
from jaxenv.testing.lockstep import RecordDraws, ScriptedCall, ScriptedGenerator, draws_of
from probes import Ladder

KEY = jax.random.key(0)


class Draws(NamedTuple):
    slips: Array


class SlipperyLadder(Ladder):
    """A ladder whose sampling is apart from its dynamics."""

    def draws_in_transition(self, params: Any) -> bool:
        return True

    def draw_step(self, key: Array, params: Any) -> Draws:
        return Draws(random.bernoulli(random.words(key, 1)[0]))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.dynamics(state, action, self.draw_step(key, params), params)

    def dynamics(self, state: Any, action: Any, draws: Draws, params: Any) -> Transition[Any]:
        return Ladder.transition(self, KEY, state, jnp.where(draws.slips, -action, action), params)


def test_recorded_draws_lead_from_the_state_before_to_the_state_after() -> None:
    env = RecordDraws(wrappers.ScaleReward(SlipperyLadder(), 2.0))
    params = env.default_params
    _, state = env.reset(KEY, params)
    slips = set()
    for key in jax.random.split(jax.random.key(1), 8):
        _, after, reward, done, info = env.step(key, state, 1, params)
        again = SlipperyLadder().dynamics(info["before"], jnp.int32(1), info["draws"], params.env_params)
        assert int(again.state.rung) == int(info["after"].rung)
        assert float(reward) == 2.0 * float(again.reward)
        slips.add(bool(info["draws"].slips))
        state = env.reset(KEY, params)[1] if done else after
    assert slips == {False, True}


def test_recording_leaves_the_step_as_it_is() -> None:
    env = SlipperyLadder()
    _, state = env.reset(KEY)
    for key in jax.random.split(jax.random.key(2), 4):
        assert int(env.step(key, state, 1)[1].rung) == int(RecordDraws(env).step(key, state, 1)[1].rung)


def test_draws_of_a_wrapper_come_before_those_beneath_and_keys_are_words() -> None:
    env = wrappers.ScaleReward(wrappers.RewardNoise(SlipperyLadder(), 1.0), 2.0)
    drawn = draws_of(env, KEY, env.default_params)
    beneath, own = random.split(KEY)
    words = random.words(own, 2)
    assert float(drawn.noise) == float(random.normal(words[0], words[1]))
    np.testing.assert_array_equal(drawn.key, jax.random.key_data(beneath))


def test_a_step_that_draws_nothing_has_no_draws() -> None:
    assert draws_of(wrappers.ScaleReward(Ladder(), 2.0), KEY, wrappers.ScaleReward(Ladder(), 2.0).default_params) == ()


def test_a_script_is_followed_call_by_call() -> None:
    generator = ScriptedGenerator("The reference")
    calls = [
        ScriptedCall("rand", (), 0.25),
        ScriptedCall("randint", (0, 3, None), 2),
        ScriptedCall("uniform", None, 0.5),
        ScriptedCall("binomial", None, 1),
        ScriptedCall("randn", (2,), (0.0, 1.0)),
        ScriptedCall("random", (), 0.75),
    ]
    generator.push(calls)
    drawn = [generator.rand(), generator.randint(3), generator.uniform(-1, 1), generator.binomial(1, 0.5)]
    assert [*drawn, generator.randn(2), generator.random()] == [call.value for call in calls]
    generator.finish()


def test_a_call_that_the_script_does_not_have_is_an_error() -> None:
    generator = ScriptedGenerator("The reference")
    generator.push([ScriptedCall("rand", (), 0.25)])
    with pytest.raises(AssertionError, match=r"The reference drew randint\(0, 3, None\), but jaxenv drew rand\(\)"):
        generator.randint(3)
    with pytest.raises(AssertionError, match=r"The reference drew rand\(\), but jaxenv drew nothing more"):
        generator.rand()
    generator.push([ScriptedCall("randint", (0, 3, None), 1)])
    with pytest.raises(AssertionError, match=r"The reference drew randint\(0, 4, None\), but jaxenv drew randint\(0, 3, None\)"):
        generator.randint(4)


def test_a_call_that_the_reference_leaves_out_is_an_error() -> None:
    generator = ScriptedGenerator("The reference")
    generator.push([ScriptedCall("rand", (), 0.25)])
    with pytest.raises(AssertionError, match=r"The reference did not draw \[\('rand', \(\)\)\]"):
        generator.push([])
