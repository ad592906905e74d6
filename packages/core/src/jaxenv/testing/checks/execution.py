"""The ways to run a step: compiled or not, one or many, typed key or raw, again. All must give the same."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxenv import checking, ranges
from jaxenv.errors import CheckError, RangeError
from jaxenv.testing import trees
from jaxenv.testing.causes import explain
from jaxenv.testing.outcomes import Unexercised, Violation, require
from jaxenv.testing.runs import QUICKLY, SEGMENT
from jaxenv.testing.subject import Subject


def scans(subject: Subject) -> None:
    """A batch can be scanned."""
    try:
        _ = subject.limited
    except Exception as error:
        raise Violation(f"a scan over a vmapped step fails: {explain(error, subject.env)}") from error


def loops(subject: Subject) -> None:
    """Single steps give what the batch gave."""
    for step, params, where in _samples(subject):
        _compare(subject.single(subject.env, step, params), step.outputs, f"with vmap in a scan and in a single step, {where}")


def runs_eagerly(subject: Subject) -> None:
    """Uncompiled steps give what compiled ones gave."""
    key = subject.start_keys[0]
    params = trees.take(subject.batched_params, 0)
    with jax.disable_jit():
        begun = _uncompiled(subject.env, "reset", key, params)
        difference = trees.value_difference(begun, trees.take(subject.start, 0), "(observation, state)")
        require(difference is None, f"without and with jax.jit, after reset {difference}. {_IMPURE}")
        for step, params, where in _samples(subject)[::4]:
            outputs = _uncompiled(subject.env, "step", step.key, step.state, step.action, params)
            _compare(outputs, step.outputs, f"without and with jax.jit, {where}", _IMPURE)


_IMPURE = "Hooks are pure functions: no Python state, no NumPy randomness, no branch on values."


def _uncompiled(env: Any, method: str, *args: Any) -> Any:
    try:
        return getattr(env, method)(*args)
    except Exception as error:
        raise Violation(f"under jax.disable_jit, {method} fails: {explain(error, env)}") from error


def repeats(subject: Subject) -> None:
    """The same keys give the same play."""
    steps, _ = subject.limited
    _, again, _ = subject.play(subject.start[1], subject.limited_params, 1)
    for (path, first), (_, second) in zip(
        trees.named_leaves(trees.to_host(steps), "play").items(),
        trees.named_leaves(trees.to_host(again), "play").items(),
        strict=True,
    ):
        require(
            np.array_equal(first, second, equal_nan=np.issubdtype(first.dtype, np.floating)),
            f"played twice with the same keys, {path} differs. All randomness comes from the key: no callbacks, no hidden state.",
        )


def differs(subject: Subject) -> None:
    """Different keys give different plays."""
    env, params, (_, state) = subject.env, subject.params, subject.reset_types()
    hooks: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "init": (lambda key: env.init(key, params), ()),
        "transition": (lambda key, state, action: env.advance(key, state, action, params), (state, subject.action_type())),
    }
    drawn = {hook: _depends_on_key(hook, jax.make_jaxpr(f)(subject.abstract_key, *args).jaxpr) for hook, (f, args) in hooks.items()}
    if not any(drawn.values()):
        raise Unexercised("the environment is deterministic: init and transition ignore their keys")
    starts = jax.tree.leaves(trees.to_host(subject.start))
    if drawn["init"] and all((leaf == leaf[:1]).all() for leaf in starts):
        raise Unexercised(f"init draws from its key, but {len(starts[0])} keys gave one and the same first state")


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


def takes_raw_keys(subject: Subject) -> None:
    """Typed and raw keys give the same play: uncompiled, because after the other uncompiled steps that costs next to nothing."""
    (step, params, where), *_ = _samples(subject)
    raw_start, raw_step = jax.random.key_data(subject.start_keys[0]), jax.random.key_data(step.key)
    try:
        jax.eval_shape(subject.env.reset, raw_start, params)
        jax.eval_shape(subject.env.step, raw_step, step.state, step.action, params)
        with jax.disable_jit():
            begun = subject.env.reset(raw_start, trees.take(subject.batched_params, 0))
            outputs = subject.env.step(raw_step, step.state, step.action, params)
    except Exception as error:
        raise Violation(f"a raw uint32 key is refused: {explain(error, subject.env)} {_LOOKS}") from error
    difference = trees.value_difference(begun, trees.take(subject.start, 0), "(observation, state)")
    require(difference is None, f"with a raw key and with a typed one, after reset {difference}. {_LOOKS}")
    _compare(outputs, step.outputs, f"with a raw key and with a typed one, {where}", _LOOKS)


_LOOKS = "Use a key with jax.random alone; do not look at its shape or its data."


def compiles_once(subject: Subject) -> None:
    """An equal environment and a later state are served by the first compilation."""
    steps = _samples(subject)
    step, params, _ = steps[0]
    subject.single(subject.env, step, params)
    before = subject.single.traces
    outputs = subject.single(subject.twin(), step, params)
    subject.single(subject.env, step._replace(state=outputs[1]), params)
    again = subject.single.traces - before
    require(
        before == 1 and again == 0,
        f"step was traced {before + again} times for one environment, its copy and a later state, but once is enough. "
        "Fields must compare by value, and step must return a state of the types it was given.",
    )


def _samples(subject: Subject) -> list[tuple[Any, Any, str]]:
    """Return steps of the limited run with their params and where they were."""
    return [(*subject.sample(step, copy), f"on step {step + 1} of {SEGMENT} (copy {copy})") for step, copy in subject.samples]


def _compare(outputs: Any, expected: Any, where: str, advice: str = "Hooks must not depend on how they are run.") -> None:
    names = ("observation", "state", "reward", "done", "info")
    for name, a, b in zip(names, outputs, expected, strict=True):
        difference = trees.value_difference(a, b, name)
        require(difference is None, f"{where}, {difference}. {advice}")


def is_inside(subject: Subject) -> None:
    """Under checks, params, actions and observations are inside of their ranges and spaces."""

    def play(key: Any, params: Any) -> Any:
        keys = jax.random.split(key, 3)
        _, state = subject.env.reset(keys[0], params)
        action = subject.env.action_space(params).sample(keys[1])
        return subject.env.step(keys[2], state, action, params)

    try:
        ranges.check_tree(subject.name, subject.params)
        with checking.switched_on():
            jax.block_until_ready(jax.jit(play, compiler_options=QUICKLY)(subject.key(3), subject.params))
    except (CheckError, RangeError) as error:
        raise Violation(str(error)) from error
