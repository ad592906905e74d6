"""What the ten environments share: counters that live as long as the environment, and the figures made of them."""

from __future__ import annotations

from typing import Any, ClassVar

from jaxenv import Environment
from jaxenv.environment import ParamsT, StateT
from jaxenv.wrappers import Wrapper


class BsuiteEnvironment(Environment[StateT, ParamsT]):
    """A task of the Behaviour Suite: an environment that counts over its whole life, not over one episode.

    bsuite's scores are made of such counts. They are integers in the state, so that ten thousand episodes lose nothing to
    rounding, and survive the automatic reset. Every episode ends by itself, with discount 0: bsuite's time limits are
    terminations.
    """

    counters: ClassVar[tuple[str, ...]] = ()
    """The fields of the state that an automatic reset leaves alone."""

    def carry_over(self, fresh: StateT, ended: StateT, params: ParamsT) -> StateT:
        return fresh.replace(**{name: getattr(ended, name) for name in self.counters})

    def bsuite_info(self, state: StateT, params: Any = None) -> dict[str, Any]:
        """Return the figures that bsuite logs for this task, summed over all episodes so far.

        Args:
            state: a state or a batch of states. With NumPy arrays in its counters the figures are NumPy's, in float64.
            params: the parameters; None means ``default_params``.
        """
        return {}


def bsuite_info(env: Environment[Any, Any], state: Any, params: Any = None) -> dict[str, Any]:
    """Compute the figures that bsuite logs, of an environment beneath any wrappers. Wrappers of rewards never change them.

    Args:
        env: the environment, wrapped or not.
        state: its state, or a batch of states.
        params: its parameters; None means ``env.default_params``.

    Returns:
        The figures by bsuite's names, such as ``total_regret``.

    >>> import jax, jaxenv, jaxenv_bsuite
    >>> env, params = jaxenv.make("bsuite/catch_noise/0")
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> jaxenv_bsuite.bsuite_info(env, state, params)
    {'total_regret': Array(0., dtype=float32)}
    """
    env, state, params = unwrapped(env, state, env.default_params if params is None else params)
    return env.bsuite_info(state, params)


def unwrapped(env: Environment[Any, Any], state: Any, params: Any) -> tuple[BsuiteEnvironment[Any, Any], Any, Any]:
    """Return the environment beneath all wrappers, with its part of a state and of the params."""
    while isinstance(env, Wrapper):
        state, params, env = env.inner_state(state), env.inner_params(params), env.env
    if not isinstance(env, BsuiteEnvironment):
        raise TypeError(
            f"{env.name} is not an environment of bsuite, so it keeps none of bsuite's counts. Pass one of jaxenv_bsuite's."
        )
    return env, state, params
