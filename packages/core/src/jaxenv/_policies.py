"""Whether a policy fits the call that a rollout will make, asked before it is called: what it says itself is seldom the cause."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

from jaxenv.environment import Environment
from jaxenv.errors import RolloutEnvironmentError, RolloutPolicyError
from jaxenv.errors.formatting import short


def require_environment(env: Any) -> None:
    """Refuse what is no single environment."""
    if isinstance(env, Environment):
        return
    if isinstance(getattr(env, "env", None), Environment) and hasattr(env, "num_envs"):
        action = "Pass the environment that was vectorized, with num_envs, or scan over the batch's own step."
    elif isinstance(env, type) and issubclass(env, Environment):
        action = f"Pass an instance: {env.__name__}()."
    elif isinstance(env, str):
        action = "Pass the environment that jaxenv.make returns for it."
    elif isinstance(env, tuple):
        action = "jaxenv.make returns the environment and its params: write env, params = jaxenv.make(...)."
    else:
        action = "Pass an instance of a subclass of jaxenv.Environment."
    raise RolloutEnvironmentError(env, action)


def require_policy(policy: Any) -> None:
    """Refuse what cannot be a policy, whatever it is called with."""
    if policy is None:
        return
    if not callable(policy):
        raise RolloutPolicyError(
            f"policy must be a function or None, but {short(policy)} was given. Pass a function that returns an action, or None "
            "for random actions; the key comes after it."
        )
    try:
        hash(policy)
    except TypeError:
        raise RolloutPolicyError(
            f"policy must be hashable, so that it is compiled once, but {type(policy).__name__} is not. Pass a function, and what "
            "it needs as policy_params."
        ) from None


def require_arguments(policy: Callable[..., Any], given: Sequence[str], *, always: bool = False) -> None:
    """Refuse a policy that does not take these arguments, by position; ``always`` says that no other form exists."""
    try:
        signature = inspect.signature(policy)
    except (TypeError, ValueError):  # something built in, which says nothing of itself
        return
    if _takes(signature, len(given)):
        return
    name = getattr(policy, "__name__", type(policy).__name__)
    parameters = list(signature.parameters.values())
    required = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if always:
        advice = "RolloutWrapper always calls it so: define it with these three, and ignore what it does not need."
    elif required:
        advice = f"Arguments by name ({', '.join(required)}) are never passed: make them part of policy_params."
    else:
        advice = " ".join(_changes(signature, given)) or "Define it with as many arguments, in this order."
    raise RolloutPolicyError(f"The policy is called as {name}({', '.join(given)}), but it is {name}{signature}. {advice}")


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _changes(signature: inspect.Signature, given: Sequence[str]) -> list[str]:
    """Return what a caller can do: pass or leave out parameters or a carry, where the policy would fit then."""
    changes: list[str] = []
    has_params, has_carry = "policy_params" in given, "carry" in given
    if not has_params and _takes(signature, len(given) + 1):
        changes.append("Pass policy_params=... if its first argument is its parameters.")
    if not has_carry and _takes(signature, len(given) + 1):
        changes.append("Pass initial_carry=... if it has a carry.")
    if not has_params and not has_carry and _takes(signature, len(given) + 2):
        changes.append("Pass policy_params=... and initial_carry=...: it takes both.")
    if has_params and _takes(signature, len(given) - 1):
        changes.append("Leave policy_params out if it has no parameters.")
    if has_carry and _takes(signature, len(given) - 1):
        changes.append("Leave initial_carry out if it has no carry.")
    return changes


def carry_and_action(policy: Callable[..., Any], returned: Any) -> tuple[Any, Any]:
    """Return what a policy with a carry returned, if it is a pair."""
    if not isinstance(returned, tuple) or len(cast("tuple[Any, ...]", returned)) != 2:
        name = getattr(policy, "__name__", type(policy).__name__)
        kind = f"a tuple of {len(cast('tuple[Any, ...]', returned))}" if isinstance(returned, tuple) else short(returned)
        raise RolloutPolicyError(
            f"With initial_carry, {name} must return (carry, action), but it returned {kind}. Return the pair, or leave "
            "initial_carry out."
        )
    return cast("tuple[Any, Any]", returned)
