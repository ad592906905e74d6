"""The ways to run a step: compiled or not, one or many, typed key or raw, again. All must give the same."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxenv import checking, ranges
from jaxenv.errors import CheckError, RangeError
from jaxenv.testing import trees
from jaxenv.testing.causes import explain
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Inconclusive, Violation, require
from jaxenv.testing.runs import QUICKLY, SEGMENT


def scans(tested: EnvironmentUnderTest) -> None:
    """A batch can be scanned."""
    try:
        _ = tested.limited
    except Exception as error:
        raise Violation(f"a scan over a vmapped step fails: {explain(error, tested.env)}") from error


def loops(tested: EnvironmentUnderTest) -> None:
    """Single steps give what the batch gave."""
    for step, params, where in _samples(tested):
        _compare(tested.single(tested.env, step, params), step.outputs, f"with vmap in a scan and in a single step, {where}")


def runs_eagerly(tested: EnvironmentUnderTest) -> None:
    """Uncompiled steps give what compiled ones gave."""
    key = tested.start_keys[0]
    params = trees.take(tested.batched_params, 0)
    with jax.disable_jit():
        begun = _uncompiled(tested.env, "reset", key, params)
        difference = trees.value_difference(begun, trees.take(tested.start, 0), "(observation, state)")
        require(difference is None, f"without and with jax.jit, after reset {difference}. {_IMPURE}")
        for step, params, where in _samples(tested)[::4]:
            outputs = _uncompiled(tested.env, "step", step.key, step.state, step.action, params)
            _compare(outputs, step.outputs, f"without and with jax.jit, {where}", _IMPURE)


_IMPURE = "Hooks are pure functions: no Python state, no NumPy randomness, no branch on values."


def _uncompiled(env: Any, method: str, *args: Any) -> Any:
    try:
        return getattr(env, method)(*args)
    except Exception as error:
        raise Violation(f"under jax.disable_jit, {method} fails: {explain(error, env)}") from error


def repeats(tested: EnvironmentUnderTest) -> None:
    """The same keys give the same play."""
    steps, _ = tested.limited
    _, again, _ = tested.play(tested.start[1], tested.limited_params, 1)
    for (path, first), (_, second) in zip(
        trees.named_leaves(trees.to_host(steps), "play").items(),
        trees.named_leaves(trees.to_host(again), "play").items(),
        strict=True,
    ):
        require(
            np.array_equal(first, second, equal_nan=np.issubdtype(first.dtype, np.floating)),
            f"played twice with the same keys, {path} differs. All randomness comes from the key: no callbacks, no hidden state.",
        )


def differs(tested: EnvironmentUnderTest) -> None:
    """Different keys give different plays."""
    env, params, (_, state) = tested.env, tested.params, tested.reset_types()
    hooks: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "init": (lambda key: env.init(key, params), ()),
        "transition": (lambda key, state, action: env.advance(key, state, action, params), (state, tested.action_type())),
    }
    drawn = {hook: _depends_on_key(hook, jax.make_jaxpr(f)(tested.abstract_key, *args).jaxpr) for hook, (f, args) in hooks.items()}
    if not any(drawn.values()):
        raise Inconclusive("the environment is deterministic: init and transition ignore their keys")
    starts = jax.tree.leaves(trees.to_host(tested.start))
    if drawn["init"] and all((leaf == leaf[:1]).all() for leaf in starts):
        raise Inconclusive(f"init draws from its key, but {len(starts[0])} keys gave one and the same first state")


def _depends_on_key(hook: str, jaxpr: Any) -> bool:
    """Whether a result depends on the first argument; an equation passes it from any input to all outputs."""
    key = jaxpr.invars[0]
    reached, read = {id(key)}, False
    for equation in jaxpr.eqns:
        read |= any(variable is key for variable in equation.invars)
        if any(id(variable) in reached for variable in equation.invars):
            reached.update(map(id, equation.outvars))
    depends = any(id(variable) in reached for variable in jaxpr.outvars)
    require(
        depends or not read,
        f"{hook} reads its key, but nothing that it returns depends on it, so every key gives the same result. "
        "Draw from the key that is passed in, or leave it alone.",
    )
    return depends


def takes_raw_keys(tested: EnvironmentUnderTest) -> None:
    """Typed and raw keys give the same play: uncompiled, because after the other uncompiled steps that costs next to nothing."""
    (step, params, where), *_ = _samples(tested)
    raw_start, raw_step = jax.random.key_data(tested.start_keys[0]), jax.random.key_data(step.key)
    try:
        jax.eval_shape(tested.env.reset, raw_start, params)
        jax.eval_shape(tested.env.step, raw_step, step.state, step.action, params)
        with jax.disable_jit():
            begun = tested.env.reset(raw_start, trees.take(tested.batched_params, 0))
            outputs = tested.env.step(raw_step, step.state, step.action, params)
    except Exception as error:
        raise Violation(f"a raw uint32 key is refused: {explain(error, tested.env)} {_LOOKS}") from error
    difference = trees.value_difference(begun, trees.take(tested.start, 0), "(observation, state)")
    require(difference is None, f"with a raw key and with a typed one, after reset {difference}. {_LOOKS}")
    _compare(outputs, step.outputs, f"with a raw key and with a typed one, {where}", _LOOKS)


_LOOKS = "Use a key with jax.random alone; do not look at its shape or its data."


def compiles_once(tested: EnvironmentUnderTest) -> None:
    """An equal environment and a later state are served by the first compilation."""
    steps = _samples(tested)
    step, params, _ = steps[0]
    tested.single(tested.env, step, params)
    before = tested.single.traces
    outputs = tested.single(tested.twin(), step, params)
    tested.single(tested.env, step._replace(state=outputs[1]), params)
    again = tested.single.traces - before
    require(
        before == 1 and again == 0,
        f"step was traced {before + again} times for one environment, its copy and a later state, but once is enough. "
        "Fields must compare by value, and step must return a state of the types it was given.",
    )


def _samples(tested: EnvironmentUnderTest) -> list[tuple[Any, Any, str]]:
    """Return steps of the limited run with their params and where they were."""
    return [(*tested.sample(step, copy), f"on step {step + 1} of {SEGMENT} (copy {copy})") for step, copy in tested.samples]


def _compare(outputs: Any, expected: Any, where: str, advice: str = "Hooks must not depend on how they are run.") -> None:
    names = ("observation", "state", "reward", "done", "info")
    for name, a, b in zip(names, outputs, expected, strict=True):
        difference = trees.value_difference(a, b, name)
        require(difference is None, f"{where}, {difference}. {advice}")


def is_inside(tested: EnvironmentUnderTest) -> None:
    """Under checks, params, actions and observations are inside of their ranges and spaces."""

    def play(key: Any, params: Any) -> Any:
        keys = jax.random.split(key, 3)
        _, state = tested.env.reset(keys[0], params)
        action = tested.env.action_space(params).sample(keys[1])
        return tested.env.step(keys[2], state, action, params)

    try:
        ranges.check_tree(tested.name, tested.params)
        with checking.switched_on():
            jax.block_until_ready(jax.jit(play, compiler_options=QUICKLY)(tested.key(3), tested.params))
    except (CheckError, RangeError) as error:
        raise Violation(str(error)) from error
