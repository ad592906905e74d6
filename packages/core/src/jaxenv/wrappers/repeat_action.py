"""Several steps for one action."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenv import _canonical, random
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Environment, Transition
from jaxenv.errors import WrapperSettingError
from jaxenv.errors.formatting import short
from jaxenv.wrappers.base import Wrapper

_UNROLLED = 4
"""The most steps that are written out instead of looped over."""


class RepeatAction(Wrapper):
    """Take every action ``num_repeats`` times, fewer if the episode ends, and return the sum of the rewards.

    The clock and the time limit are the wrapped environment's, so they count its steps. ``info`` is that of the last step taken.

    >>> env = RepeatAction(env, num_repeats=4)
    """

    num_repeats: int
    """How often an action is taken, at least 1."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "num_repeats", whole(self.num_repeats))
        super().__post_init__()
        if not is_size(self.num_repeats):
            raise WrapperSettingError(f"RepeatAction got num_repeats = {short(self.num_repeats)}. Pass an integer of at least 1.")
        inner: Environment[Any, Any] = self.env
        while isinstance(inner, Wrapper):
            if getattr(inner, "axis_name", None) is not None:
                # Environments whose episode ended stand still, and can't count together with those that go on.
                raise WrapperSettingError(
                    f"RepeatAction cannot repeat steps of {type(inner).__name__} with statistics shared over "
                    f"{inner.axis_name!r}. Put RepeatAction inside {type(inner).__name__}."  # type: ignore[attr-defined]
                )
            inner = inner.env

    def draws_in_transition(self, params: Any) -> bool:
        return True  # also where no step draws: else trajectories of earlier versions would change

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        advance = jax.jit(self.inner_advance)  # traced once for all steps
        keys = random.split(key, self.num_repeats) if self.inner_draws(params) else None
        first = advance(key if keys is None else keys[0], state, action, params)

        def again(out: Transition[Any], key_again: Any) -> tuple[Transition[Any], None]:
            new = advance(key if key_again is None else key_again, out.state, action, params)
            new = new.replace(reward=out.reward + new.reward)  # type: ignore[attr-defined]
            return _canonical.select(jnp.asarray(out.terminated) | out.truncated, out, new), None

        length = self.num_repeats - 1
        xs = None if keys is None else keys[1:]
        return lax.scan(again, first, xs, length=length, unroll=max(1, min(length, _UNROLLED)))[0]
