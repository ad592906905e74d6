"""What each wrapper refuses, and the sentence that says so."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import environment, wrappers
from jaxenv.errors import (
    JaxenvError,
    SpaceMismatchError,
    WrappedTypeError,
    WrapperHookError,
    WrapperSettingError,
    WrapperSpaceError,
)
from jaxenv.spaces import Box
from probes import Ladder, Replay, Walk

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)

REFUSED = {
    "not an environment": (
        lambda: wrappers.FlattenObservation((Walk(), None)),
        WrappedTypeError,
        "FlattenObservation wraps an environment, but tuple (Walk(), None) was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "around Vectorize": (
        lambda: wrappers.ScaleReward(wrappers.Vectorize(Walk(), 2), 2.0),
        WrappedTypeError,
        "ScaleReward wraps an environment, but Vectorize Vectorize(env=Walk(), num_envs=2, axis_name='envs') was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "Vectorize twice": (
        lambda: wrappers.Vectorize(wrappers.Vectorize(Walk(), 2), 2),
        WrappedTypeError,
        "Vectorize wraps an environment, but Vectorize Vectorize(env=Walk(), num_envs=2, axis_name='envs') was given. "
        "Pass the environment alone (make returns it together with its params), and put Vectorize outermost.",
    ),
    "no environments": (
        lambda: wrappers.Vectorize(Walk(), 0),
        WrapperSettingError,
        "Vectorize got num_envs = 0. Pass an integer of at least 1.",
    ),
    "an array as a setting": (
        lambda: wrappers.ScaleReward(Walk(), np.ones(1)),
        WrapperSettingError,
        "ScaleReward got scale = array([1.]), which cannot be hashed. "
        "Pass Python numbers, tuples and functions; to vary a number under JAX, replace the leaf of the params.",
    ),
    "clip choices": (
        lambda: wrappers.ClipAction(Ladder()),
        WrapperSpaceError,
        "ClipAction needs a Box of float actions, but Ladder has the action space Discrete(3, start=-1). "
        "Only continuous actions can be clipped.",
    ),
    "rescale unbounded actions": (
        lambda: wrappers.RescaleAction(wrappers.ClipAction(Walk()), -1.0, 1.0),
        WrapperSpaceError,
        "RescaleAction needs a bounded Box of float actions, but Walk has the action space Box(-inf, inf, (2,)). "
        "Give the wrapped environment bounded continuous actions.",
    ),
    "rescale to nothing": (
        lambda: wrappers.RescaleAction(Walk(), 1.0, 1.0),
        WrapperSettingError,
        "RescaleAction cannot rescale to [1.0, 1.0]. Pass finite bounds, the smaller first.",
    ),
    "rescale to infinity": (
        lambda: wrappers.RescaleObservation(Walk(), 0.0, np.inf),
        WrapperSettingError,
        "RescaleObservation cannot rescale to [0.0, inf]. Pass finite bounds, the smaller first.",
    ),
    "rescale upside down": (
        lambda: wrappers.RescaleObservation(Walk(), 1.0, 0.0),
        WrapperSettingError,
        "RescaleObservation cannot rescale to [1.0, 0.0]: Box got low = 1.0 above high = 0.0. Exchange them.",
    ),
    "rescale what never changes": (
        lambda: wrappers.RescaleObservation(Replay(Box([0, 1], [1, 1])), 0.0, 1.0),
        WrapperSpaceError,
        "RescaleObservation needs bounds that differ, but Replay has the observation space Box([0.0, 1.0], 1.0, (2,)). "
        "Use TransformObservation to leave out what never changes.",
    ),
    "rescale without bounds": (
        lambda: wrappers.RescaleObservation(Replay(Box(0, np.inf, (2,))), 0.0, 1.0),
        WrapperSpaceError,
        "RescaleObservation needs a bounded Box of float or integer or bool observations, but Replay has the observation space "
        "Box(0.0, inf, (2,)). Use NormalizeObservation where there are no bounds.",
    ),
    "normalize a Dict": (
        lambda: wrappers.NormalizeObservation(Ladder()),
        WrapperSpaceError,
        "NormalizeObservation needs a Box of bool or integer or float observations, but Ladder has the observation space "
        "Dict({'rung': Discrete(7), 'below': Box(False, True, (3,).... Put FlattenObservation around the environment first.",
    ),
    "normalize with a negative epsilon": (
        lambda: wrappers.NormalizeObservation(Walk(), epsilon=-1.0),
        WrapperSettingError,
        "NormalizeObservation got epsilon = -1.0. Pass a number of at least 0.",
    ),
    "normalize rewards with a negative epsilon": (
        lambda: wrappers.NormalizeReward(Walk(), epsilon=-1.0),
        WrapperSettingError,
        "NormalizeReward got epsilon = -1.0. Pass a number of at least 0.",
    ),
    "discount above one": (
        lambda: wrappers.NormalizeReward(Walk(), gamma=1.5),
        WrapperSettingError,
        "NormalizeReward got gamma = 1.5. Pass a discount between 0 and 1.",
    ),
    "discretize choices": (
        lambda: wrappers.DiscretizeAction(Ladder(), 3),
        WrapperSpaceError,
        "DiscretizeAction needs a bounded Box of float actions, but Ladder has the action space Discrete(3, start=-1). "
        "Give the wrapped environment bounded continuous actions.",
    ),
    "too many bins": (
        lambda: wrappers.DiscretizeAction(Walk(), (3, 3, 3)),
        WrapperSettingError,
        "DiscretizeAction got bins = (3, 3, 3) for 2 components. Pass one positive integer, or 2 of them.",
    ),
    "no bins": (
        lambda: wrappers.DiscretizeAction(Walk(), 0),
        WrapperSettingError,
        "DiscretizeAction got bins = 0 for 2 components. Pass one positive integer, or 2 of them.",
    ),
    "more choices than a number can tell": (
        lambda: wrappers.DiscretizeAction(Walk(), 50_000),
        WrapperSettingError,
        "DiscretizeAction got bins = 50000, which make 2500000000 choices, too many for one number. "
        "Pass multidiscrete=True, or fewer bins.",
    ),
    "no bound of the reward": (
        lambda: wrappers.ClipReward(Walk()),
        WrapperSettingError,
        "ClipReward got neither min_reward nor max_reward, so it would change nothing. Pass one.",
    ),
    "bounds of the reward exchanged": (
        lambda: wrappers.ClipReward(Walk(), 2.0, 1.0),
        WrapperSettingError,
        "ClipReward got min_reward = 2.0 above max_reward = 1.0. Exchange them.",
    ),
    "a delay into the future": (
        lambda: wrappers.DelayObservation(Walk(), -1),
        WrapperSettingError,
        "DelayObservation got delay = -1. Pass an integer of at least 0.",
    ),
    "an empty stack": (
        lambda: wrappers.FrameStackObservation(Walk(), 0),
        WrapperSettingError,
        "FrameStackObservation got stack_size = 0. Pass an integer of at least 1.",
    ),
    "an unknown padding": (
        lambda: wrappers.FrameStackObservation(Walk(), 2, "mirror"),
        WrapperSettingError,
        "FrameStackObservation got padding_type = 'mirror'. Pass 'reset' or 'zero'.",
    ),
    "a probability above one": (
        lambda: wrappers.StickyAction(Walk(), 2.0),
        WrapperSettingError,
        "StickyAction got repeat_action_probability = 2.0. Pass a number between 0 and 1.",
    ),
    "durations exchanged": (
        lambda: wrappers.StickyAction(Walk(), 0.5, (3, 2)),
        WrapperSettingError,
        "StickyAction got repeat_action_duration = (3, 2). Pass an integer of at least 1, or two in order.",
    ),
    "no repeat": (
        lambda: wrappers.RepeatAction(Walk(), 0),
        WrapperSettingError,
        "RepeatAction got num_repeats = 0. Pass an integer of at least 1.",
    ),
    "repeat shared statistics": (
        lambda: wrappers.RepeatAction(wrappers.ScaleReward(wrappers.NormalizeReward(Walk(), axis_name="envs"), 2.0), 2),
        WrapperSettingError,
        "RepeatAction cannot repeat steps of NormalizeReward with statistics shared over 'envs'. "
        "Put RepeatAction inside NormalizeReward.",
    ),
    "the name of the time is taken": (
        lambda: wrappers.TimeAwareObservation(Ladder(), dict_time_key="rung"),
        WrapperSpaceError,
        "TimeAwareObservation needs observations without an entry 'rung', but Ladder has the observation space "
        "Dict({'rung': Discrete(7), 'below': Box(False, True, (3,).... Pass another dict_time_key.",
    ),
    "a share of no limit": (
        lambda: wrappers.TimeAwareObservation(Endless(), normalize_time=True),
        WrapperSettingError,
        "TimeAwareObservation cannot divide the time by a limit: Endless has none. Leave normalize_time out.",
    ),
    "floats as integers": (
        lambda: wrappers.DtypeObservation(Walk(), jnp.int32),
        WrapperSpaceError,
        "DtypeObservation needs observations that int32 can hold, but Walk has the observation space Box(-1.0, 1.0, (2,)). "
        "Round in TransformObservation, or choose another dtype.",
    ),
    "integers in too small a dtype": (
        lambda: wrappers.DtypeObservation(Replay(Box(0, 255, (), jnp.uint8)), jnp.int8),
        WrapperSpaceError,
        "DtypeObservation needs observations that int8 can hold, but Replay has the observation space "
        "Box(0, 255, (), dtype='uint8'). "
        "Box got high = 255, which int8 cannot hold. Change the bound or the dtype.",
    ),
    "a function that is none": (
        lambda: wrappers.TransformReward(Walk(), 3),
        WrapperSettingError,
        "TransformReward got func = 3, which cannot be called. Pass a function.",
    ),
    "a space that is none": (
        lambda: wrappers.TransformAction(Walk(), jnp.tanh, "Box"),
        WrapperSettingError,
        "TransformAction got space = 'Box'. Pass one of jaxenv.spaces, or None to keep it.",
    ),
}


class Endless(environment.Environment[Any, Any]):
    @property
    def default_params(self):
        return environment.Params()

    def observation_space(self, params):
        return Box(0.0, 10.0, (1,))


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_wrapper_cannot_serve_is_refused_when_it_is_made(name):
    make, error, sentence = REFUSED[name]
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == sentence
    assert isinstance(caught.value, JaxenvError)


def test_a_function_that_leaves_its_space_is_named_at_reset(walk):
    env = wrappers.TransformObservation(walk, jnp.sum)
    with pytest.raises(
        SpaceMismatchError, match=r"Walk's observation is float32\[\], but a member of Box\(float32\[2\], float32\[2\], \(2,\)\)"
    ):
        env.reset(KEY)
    env = wrappers.TransformAction(walk, jnp.sum)
    with pytest.raises(SpaceMismatchError, match=r"Walk's action is float32\[\], but a member of"):
        env.step(KEY, env.reset(KEY)[1], jnp.zeros(2))


def test_a_wrapper_has_no_transition() -> None:
    with pytest.raises(WrapperHookError, match=r"Old defines transition, but a wrapper's step is advance.* Rename it to advance\."):

        class Old(wrappers.Wrapper):
            def transition(self, key: Any, state: Any, action: Any, params: Any) -> Any:
                return self.inner_advance(key, state, action, params)

    env = wrappers.ScaleReward(Ladder(), 2.0)
    _, state = env.reset(KEY)
    with pytest.raises(WrapperHookError, match=r"ScaleReward has no transition.* Call advance with the same arguments\."):
        env.transition(KEY, state, jnp.int32(1), env.default_params)
