"""No message shows a tracer: where a traced value is misused, shapes and dtypes are shown instead."""

from __future__ import annotations

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import random, spaces, wrappers
from jaxenv.errors import JaxenvError
from jaxenv.errors.formatting import named, short
from probes import Walk
from wrapped import WRAPPERS, Drift, Ladder

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)
WALK = Walk()
STATE = WALK.reset(KEY)[1]

MISUSED = {
    "a key": lambda x: WALK.reset(x),
    "a key for a space": lambda x: spaces.Discrete(3).sample(x),
    "a key for words": lambda x: random.words(x, 2),
    "a key for split": lambda x: random.split(x),
    "a key for fold_in": lambda x: random.fold_in(x, 1),
    "a key for stream_key": lambda x: random.stream_key(x, 1),
    "a batch of keys": lambda x: WALK.reset(jax.random.split(KEY, x.size + 3)),
    "params": lambda x: WALK.reset(KEY, x),
    "params within": lambda x: WALK.reset(KEY, (x, x)),
    "a fraction for a count": lambda x: WALK.reset(KEY, WALK.default_params.replace(max_steps_in_episode=x)),
    "a state": lambda x: WALK.step(KEY, x, jnp.zeros(2)),
    "a tuple for a state": lambda x: WALK.step(KEY, (x, STATE), jnp.zeros(2)),
    "a leaf of a state": lambda x: WALK.step(KEY, STATE.replace(x=x), jnp.zeros(2)),
    "an action": lambda x: WALK.step(KEY, STATE, x),
    "an action with traced bounds": lambda x: WALK.step(KEY, STATE, x, WALK.default_params.replace(limit=x)),
    "a mapping for an action": lambda x: WALK.step(KEY, STATE, {"a": x}),
    "a float for a choice": lambda x: Ladder().step(KEY, Ladder().reset(KEY)[1], x),
    "a seed": lambda x: random.key(x),
    "the size of a Discrete": lambda x: spaces.Discrete(x),
    "the sizes of a MultiDiscrete": lambda x: spaces.MultiDiscrete(x),
    "the shape of a Box": lambda x: spaces.Box(0.0, 1.0, x),
    "a shape that does not fit traced bounds": lambda x: spaces.Box(jnp.stack([x, x]), 1.0, (3,)),
    "a member": lambda x: spaces.Box(-x, x, (2,)).cast(x),
    "a member of a Dict": lambda x: spaces.Dict({"a": spaces.Box(-x, (x + 1), ())}).cast((x,)),
    "a space": lambda x: spaces.Tuple([x]),
    "a change of a space": lambda x: setattr(spaces.Box(-x, x), "low", 0),
    "the ends of integers": lambda x: random.uniform_int(random.words(KEY, 1)[0], 0, x),
    "an environment": lambda x: wrappers.ScaleReward(x, 1.0),
    "environments": lambda x: wrappers.Vectorize(WALK, x),
    "a reward": lambda x: wrappers.TransformReward(WALK, lambda r: jnp.stack([r, r * x])).step(KEY, STATE, jnp.zeros(2)),
    "an observation": lambda x: wrappers.TransformObservation(WALK, lambda o: jnp.stack([o, o])).reset(
        KEY, WALK.default_params.replace(limit=x)
    ),
    "chosen environments": lambda x: wrappers.Vectorize(WALK, 2).restart(KEY, None, x),
    "a field": lambda x: WALK.replace(colour=x),
}


def messages(function: Any) -> str:
    with pytest.raises(JaxenvError) as caught:
        jax.jit(function)(jnp.float32(0.5))
    return str(caught.value).partition("\n---")[0]


def clean(text: str) -> bool:
    return not any(word in text for word in ("Tracer", "Traced<", "<traced>", "JitTracer", "_src", " object at 0x"))


@pytest.mark.parametrize("function", MISUSED.values(), ids=MISUSED)
def test_no_message_shows_a_tracer(function):
    text = messages(function)
    assert clean(text), text
    assert text.rstrip().endswith((".", ")")), text


NUMBERS = {
    "DelayObservation": "delay",
    "DiscretizeAction": "bins",
    "FrameStackObservation": "stack_size",
    "NormalizeReward": "gamma",
    "PixelObservation": "size",
    "RepeatAction": "num_repeats",
    "RescaleAction": "min_action",
    "RescaleObservation": "min_obs",
    "RewardNoise": "scale",
    "ScaleReward": "scale",
    "StickyAction": "repeat_action_probability",
    "ClipReward": "min_reward",
    "NormalizeObservation": "epsilon",
}


@pytest.mark.parametrize(("name", "setting"), NUMBERS.items())
def test_a_traced_setting_of_a_wrapper_is_told_to_be_a_leaf(name, setting):
    base: Any = getattr(WRAPPERS[name], "func", WRAPPERS[name])
    given = dict(getattr(WRAPPERS[name], "keywords", {}))
    text = messages(lambda x: base(Drift(), **(given | {setting: x})))
    assert clean(text), text
    assert f"{setting} = float32[], which cannot be hashed" in text


def test_values_are_named_by_what_they_are():
    assert named(jnp.zeros((2, 3))) == short(jnp.zeros((2, 3))) == "float32[2,3]"
    assert named(3) == "int 3"
    assert short((1, {"a": jnp.int32(2)})) == "(1, {'a': int32[]})"
    assert short(np.ones(1)) == "array([1.])"
    seen = []
    jax.jit(lambda x: seen.append((named(x), short([x]), repr(spaces.Box((-np.inf, -x), (x, np.inf), (2,))))))(jnp.float32(1.0))
    assert seen == [("float32[]", "[float32[]]", "Box([-inf, float32], [float32, inf], (2,))")]


class TestTracedBounds:
    """What is known of a bound, such as that there is none, is kept where its other numbers are traced."""

    def test_samples_follow_it(self):
        def sample(x: Any) -> Any:
            box = spaces.Box((-np.inf, -x, 0.0, -np.inf), (np.inf, x, np.inf, x), (4,))
            return jax.vmap(box.sample)(jax.random.split(KEY, 500)), box.bounded

        drawn, bounded = (np.asarray(v) for v in jax.jit(sample)(jnp.float32(2.0)))
        fixed = spaces.Box((-np.inf, -2.0, 0.0, -np.inf), (np.inf, 2.0, np.inf, 2.0), (4,))
        np.testing.assert_allclose(drawn, jax.vmap(fixed.sample)(jax.random.split(KEY, 500)), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(bounded, fixed.bounded)

    @pytest.mark.parametrize(
        "change",
        [
            lambda b: b.batch(3),
            lambda b: b.flat_space(),
            lambda b: b.astype(np.float16),
            lambda b: spaces.Dict({"a": b, "b": spaces.Discrete(3)}).flat_space(),
            lambda b: spaces.Tuple([b, b]).batch(2).flat_space(),
        ],
        ids=["batch", "flat", "astype", "dict", "tuple"],
    )
    def test_spaces_made_of_it_keep_it(self, change):
        def sample(x: Any) -> Any:
            return change(spaces.Box((-np.inf, -x), (np.inf, x), (2,))).sample(KEY)

        fixed = change(spaces.Box((-np.inf, -2.0), (np.inf, 2.0), (2,))).sample(KEY)
        np.testing.assert_allclose(
            np.asarray(jax.jit(sample)(jnp.float32(2.0)), np.float64), np.asarray(fixed, np.float64), rtol=1e-3
        )

    def test_a_traced_infinity_gives_finite_samples(self):
        box = lambda x: spaces.Box(-x, x, (100,)).sample(KEY)  # noqa: E731
        assert np.isfinite(jax.jit(box)(jnp.float32(np.inf))).all()

    def test_no_space_of_a_wrapper_forgets_it(self):
        environments = []
        for make in WRAPPERS.values():
            for probe in (Drift, Ladder):
                with contextlib.suppress(JaxenvError):
                    environments.append(make(probe()))

        def spaces_of(all_params: Any) -> Any:
            return [(env.action_space(p), env.observation_space(p)) for env, p in zip(environments, all_params, strict=True)]

        def samples(pairs: Any) -> Any:
            return [(actions.sample(KEY), observations.sample(KEY)) for actions, observations in pairs]

        params = [env.default_params for env in environments]
        assert len(params) > len(WRAPPERS)
        known = spaces_of(params)  # made outside of jit, where every number is known
        traced, fixed = jax.jit(lambda p: samples(spaces_of(p)))(params), jax.jit(lambda: samples(known))()
        jax.tree.map(lambda a, b: np.testing.assert_allclose(np.float64(a), np.float64(b), rtol=1e-3, atol=1e-3), traced, fixed)
