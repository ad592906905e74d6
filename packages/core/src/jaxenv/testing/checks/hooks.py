"""What the hooks read and call, from their traces: the params they are given, and no reset of their own."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxenv import _canonical
from jaxenv.testing import trees
from jaxenv.testing.causes import definition
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.hooks import HookTraces, reads_of
from jaxenv.testing.outcomes import Inconclusive, Violation, require
from jaxenv.testing.runs import QUICKLY

ENOUGH = 4
"""Ends of episodes that show where a transition leaves the state."""


def params_are_used(tested: EnvironmentUnderTest) -> None:
    """No hook reads default_params, and every leaf of the params is read by some hook."""
    traces = HookTraces(tested)
    for hook in traces.names:
        leaf = traces.default_read(hook)
        require(
            leaf is None,
            f"{definition(tested.env, hook)}: {hook} reads self.default_params{leaf}, so that the params that a caller passes "
            f"change nothing there. Write params{leaf}.",
        )
    unread = traces.unread_leaves()
    own = [path for path in trees.named_leaves(tested.params, "") if not path.endswith(".max_steps_in_episode")]
    require(
        not unread or len(unread) < len(own),
        f"no hook reads {_listed(unread)}, so the params change nothing. Use them in place of constants, or remove them.",
    )
    if unread:
        raise Inconclusive(f"no hook reads {_listed(unread)}: with these fields of the environment they change nothing")


def _listed(paths: list[str]) -> str:
    return ", ".join(f"params{path}" for path in paths)


def draws_are_declared(tested: EnvironmentUnderTest) -> None:
    """What draws_in_init and draws_in_transition return is what the hooks do with their keys."""
    env, params, key = tested.env, tested.params, tested.abstract_key
    canonical = _canonical.params(params, env)
    _, state = tested.reset_types()
    step = "advance" if tested.wrapped else "transition"
    hooks: dict[str, tuple[str, bool, Any, tuple[Any, ...]]] = {
        "draws_in_init": ("init", env.draws_in_init(canonical), env.init, ()),
        "draws_in_transition": (step, env.draws_in_transition(canonical), env.advance, (state, tested.action_type())),
    }
    ignored: list[str] = []
    for declaration, (hook, declared, function, args) in hooks.items():
        jaxpr = jax.make_jaxpr(function)(key, *args, canonical).jaxpr
        reads = reads_of(jaxpr, jaxpr.invars[0])
        require(
            declared or not reads,
            f"{definition(env, hook)}: {hook} draws from its key, but {declaration} returns False, so that both hooks may get "
            f"the same key. Let {declaration}(params) return True, or remove it.",
        )
        if declared and not reads:
            ignored.append(f"{hook} ignores its key. Let {declaration}(params) return False: step then splits no key")
    if ignored:
        raise Inconclusive("; ".join(ignored))


def resets_are_left(tested: EnvironmentUnderTest) -> None:
    """The state after the last step of an episode is not one that begins an episode."""
    if tested.wrapped:
        raise Inconclusive("it is a wrapper: the environment inside is examined alone")
    suspects = HookTraces(tested).reset_leaves()
    if not suspects:
        return
    steps, facts = tested.limited
    ended = np.asarray(facts.terminated)
    if ended.sum() < ENOUGH:
        raise Inconclusive(f"only {int(ended.sum())} episodes terminated, too few to see what state transition leaves them in")
    after = _advanced(tested, steps)
    firsts, restarts = trees.to_host(tested.start[1]), trees.to_host(steps.outputs[1])
    begun = jax.tree.map(lambda first, after: np.concatenate([first, after[facts.done]]), firsts, restarts)
    starts = trees.named_leaves(begun, "state")
    for path, leaf in trees.named_leaves(trees.to_host(after), "state").items():
        if path in suspects and _inside(leaf[ended], starts[path]) and not _inside(leaf[~ended], starts[path]):
            raise Violation(
                f"{definition(tested.env, 'transition')}: transition resets by itself: on all {int(ended.sum())} steps that "
                f"terminated, {path} was what an episode begins with, so final_observation is lost. Return the state that ended "
                "the episode, and terminated=True; jaxenv calls init."
            )


def _advanced(tested: EnvironmentUnderTest, steps: Any) -> Any:
    """Return the states that the steps of the limited run led to, before any reset."""
    env, params = tested.env, tested.limited_params
    batched = jax.vmap(jax.vmap(lambda *args: env.step_env(*args)[1]), in_axes=(0, 0, 0, None))
    return jax.jit(batched, compiler_options=QUICKLY)(steps.key, steps.state, steps.action, params)


def _inside(values: Any, starts: Any) -> bool:
    """Whether every value lies in the range of those that episodes began with."""
    low, high = starts.min(axis=0), starts.max(axis=0)
    slack = 0.1 * (high - low) if np.issubdtype(starts.dtype, np.floating) else 0
    return bool(((values >= low - slack) & (values <= high + slack)).all())
