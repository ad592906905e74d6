"""What tracing alone can tell: structure, shapes, dtypes, weak types and the way of the random keys. Nothing is compiled."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxenv.environment import Environment, _step_with_all
from jaxenv.errors import HookResultTypeError
from jaxenv.spaces import Space
from jaxenv.testing import trees
from jaxenv.testing.causes import explain, without_tracers
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Inconclusive, Violation, first_line, require
from jaxenv.testing.precision import enable_x64
from jaxenv.testing.runs import RESERVED


def reset_traces(tested: EnvironmentUnderTest) -> None:
    """Reset works under jit."""
    for hook in ("action_space", "observation_space"):
        try:
            space = getattr(tested.env, hook)(tested.params)
            _require_space(tested.env, hook, space)
        except Exception as error:
            raise Violation(f"{hook} fails: {explain(error, tested.env)}") from error
    try:
        tested.reset_types()
        tested.action_type()
    except Exception as error:
        raise Violation(f"reset, or a space, cannot be traced by jax.jit: {explain(error, tested.env)}") from error


def _require_space(env: Environment[Any, Any], hook: str, space: Any) -> None:
    if not isinstance(space, Space):
        raise HookResultTypeError(env.name, hook, space, "a space", "Return one of jaxenv.spaces, such as spaces.Discrete(4)")


def step_traces(tested: EnvironmentUnderTest) -> None:
    """Step works under jit on what reset returned, and on what it returned itself."""
    _, state = tested.reset_types()
    try:
        for restarts in (True, False):
            after = tested.step_types(state, restarts=restarts)[1]
            tested.step_types(after, restarts=restarts)
    except Exception as error:
        raise Violation(f"step cannot be traced by jax.jit: {explain(error, tested.env)}") from error


def types_stay(tested: EnvironmentUnderTest) -> None:
    """Step returns the types that reset returned."""
    obs, state = tested.reset_types()
    for restarts, method in ((True, "step"), (False, "step_env")):
        step_obs, step_state, *_, info = tested.step_types(state, restarts=restarts)
        for before, after, what in (
            (obs, step_obs, "observation"),
            (state, step_state, "state"),
            (obs, info.get("final_observation", obs), "final_observation"),
        ):
            difference = trees.type_difference(before, after, what)
            require(difference is None, f"between reset and {method}, {difference}: a scan over it cannot run. Make them agree.")


def types_are_fixed(tested: EnvironmentUnderTest) -> None:
    """Reward, flags and time have the protocol's dtypes, and nothing is weakly typed."""
    obs, state = tested.reset_types()
    _, _, reward, done, info = tested.step_types(state)
    expected = {"reward": (reward, "float32[]"), "done": (done, "bool[]"), "state.time": (state.time, "int32[]")}
    types = (tested.abstract_key, state, tested.action_type(), tested.params)
    reported = tested.env.report(jax.eval_shape(partial(_step_with_all, tested.env), *types)[4])
    for name, dtype in (("terminated", "bool[]"), ("truncated", "bool[]"), ("discount", "float32[]")):
        if name not in reported:
            continue
        require(name in info, f"info has no {name!r}. Leave step to jaxenv.Environment, which adds it.")
        expected[f"info[{name!r}]"] = (info[name], dtype)
    for name, (leaf, dtype) in expected.items():
        require(
            trees.describe(leaf) == dtype,
            f"{name} is {trees.describe(leaf)}, but {dtype} was expected. Leave it to jaxenv.Environment.",
        )
    for name, leaf in trees.named_leaves((obs, state, info), "results").items():
        require(not getattr(leaf, "weak_type", False), f"{name} is weakly typed ({trees.describe(leaf)}). Give it a dtype.")


def observation_has_type(tested: EnvironmentUnderTest) -> None:
    """Observations have the structure, shape and dtype of the space."""
    obs, _ = tested.reset_types()
    space = jax.eval_shape(lambda key, params: tested.env.observation_space(params).sample(key), tested.abstract_key, tested.params)
    difference = trees.type_difference(space, obs, "observation")
    require(difference is None, f"by observation_space and by reset, {difference}. Make them agree.")


def info_is_free(tested: EnvironmentUnderTest) -> None:
    """Transition's info leaves the protocol's entries alone."""
    _, state = tested.reset_types()
    out = jax.eval_shape(tested.env.advance, tested.abstract_key, state, tested.action_type(), tested.params)
    taken = sorted(set(out.info) & set(RESERVED))
    require(
        not taken,
        f"transition's info holds {', '.join(taken)}, which jaxenv writes itself and would overwrite. Choose other names.",
    )


def sizes_are_known(tested: EnvironmentUnderTest) -> None:
    """num_actions and state_space answer."""
    try:
        number = tested.env.num_actions
        tested.env.state_space(tested.params)
    except Exception as error:
        raise Violation(f"num_actions or state_space fails: {explain(error, tested.env)}") from error
    require(number >= 1, f"num_actions is {number}, but an agent needs at least one.")


def works_in_x64(tested: EnvironmentUnderTest) -> None:
    """With 64-bit types, spaces, rewards and flags keep their dtypes."""
    narrow_obs, _ = tested.reset_types()
    with enable_x64():
        try:
            obs, state = tested.reset_types()
            after = tested.step_types(state)
            tested.step_types(after[1])
        except Exception as error:
            raise Violation(
                f"with 64-bit types enabled, reset or step cannot be traced: {explain(error, tested.env)} "
                "State floats are jnp.result_type(float); convert constants and draws to the dtype of what they meet."
            ) from error
        types_are_fixed(tested)
        difference = trees.type_difference(state, after[1], "state")
        require(difference is None, f"with 64-bit types enabled, between reset and step {difference}. Make them agree.")
    difference = trees.type_difference(narrow_obs, obs, "observation")
    require(difference is None, f"without and with 64-bit types, {difference}. Give the space an explicit dtype.")


def params_can_be_batched(tested: EnvironmentUnderTest) -> None:
    """Each leaf of the params alone can be vmapped."""
    _, state = tested.reset_types()
    action = tested.action_type()
    leaves, structure = jax.tree.flatten(tested.params)
    for index, path in enumerate(trees.named_leaves(tested.params, "params")):
        axes = jax.tree.unflatten(structure, [0 if number == index else None for number in range(len(leaves))])
        batched = [jnp.stack([jnp.asarray(leaf)] * 2) if number == index else leaf for number, leaf in enumerate(leaves)]
        params = jax.tree.unflatten(structure, batched)
        try:
            jax.eval_shape(jax.vmap(tested.env.reset, in_axes=(None, axes)), tested.abstract_key, params)
            jax.eval_shape(jax.vmap(tested.env.step, in_axes=(None, None, None, axes)), tested.abstract_key, state, action, params)
        except Exception as error:
            raise Violation(
                f"a batch of values for {path} alone cannot be vmapped: {explain(error, tested.env)} "
                "A quantity that changes a shape or a branch is a field of the environment, not a leaf of Params."
            ) from error


def keys_are_spent_once(tested: EnvironmentUnderTest) -> None:
    """No random key is drawn from twice."""
    if not hasattr(jax, "debug_key_reuse"):
        raise Inconclusive("this version of JAX cannot tell whether a key is reused")
    _, state = tested.reset_types()
    action = tested.action_type()
    with jax.debug_key_reuse(True):
        for method, arguments in ((tested.env.reset, ()), (tested.env.step, (state, action))):
            try:
                jax.eval_shape(jax.jit(lambda *args, method=method: method(*args)), tested.abstract_key, *arguments, tested.params)
            except jax.errors.KeyReuseError as error:
                raise Violation(
                    f"a random key is used twice, so two draws are the same numbers: {without_tracers(first_line(error))} "
                    "Split the key, or take all words of a step from one jaxenv.random.words call."
                ) from error
