"""What all bridges share: a suite's environment in the hooks of :class:`jaxenv.Environment`.

A bridge calls the step of a suite that does not reset, so time limits, resets and ``final_observation`` are jaxenv's. It runs the
suite under JAX's standard promotion of dtypes and ranks, which suites are written for, whatever the caller has set.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, spaces
from jaxenv.errors import JaxenvError

from jaxenv_bridges.errors import SuiteTaskError
from jaxenv_bridges.suites import describe_exception, load, version


@struct.dataclass(kw_only=True)
class BridgeState(State):
    """The state of a suite's environment."""

    inner: Any
    """What the suite itself takes and returns: its state, or its timestep."""
    obs: Any = ()
    """The observation, where the suite's state does not hold it; else empty."""


class Built(NamedTuple):
    """What a bridge knows of one environment of its suite."""

    env: Any
    """The suite's own environment."""
    params: Params
    """The parameters of the task."""
    action_space: Any
    """The space of its actions; None where it follows from the params."""
    observation_space: Any
    """The space of its observations; None where it follows from the params."""
    more: Any = None
    """Anything else that the bridge needs."""


class Step(NamedTuple):
    """What one step of a suite gives."""

    inner: Any
    """The suite's state after the step."""
    reward: Any
    """The reward, a scalar."""
    terminated: Any
    """Whether the task itself ended, bool[]."""
    info: Mapping[str, Any]
    """What else the suite reports."""
    obs: Any = ()
    """The observation, where ``inner`` does not hold it."""


class Bridge(Environment[BridgeState, Any]):
    """An environment of another suite. ``original`` is the suite's own object, ``state.inner`` the suite's own state."""

    task: str
    """The suite's own id."""
    options: tuple[tuple[str, Any], ...] = ()
    """Arguments for the suite's constructor, as pairs of name and value: ``(("backend", "spring"),)``."""

    suite: ClassVar[str] = ""
    """The suite."""

    def __post_init__(self) -> None:
        _build(_bridge(type(self)), self.task, self.options)

    # -- what the bridge of a suite writes -----------------------------------------------------------------------------

    @classmethod
    def build(cls, task: str, options: dict[str, Any]) -> Built:
        """Build the suite's environment."""
        raise NotImplementedError(f"{cls.__name__} must define build(task, options)")

    def reset_suite(self, key: Array, params: Any) -> tuple[Any, Any]:
        """Return the suite's first state, and the observation or () where the state holds it; ``key`` is the suite's."""
        raise NotImplementedError(f"{type(self).__name__} must define reset_suite(key, params)")

    def step_suite(self, key: Array, inner: Any, action: Any, params: Any) -> Step:
        """Take the suite's step that does not reset; ``key`` is the suite's."""
        raise NotImplementedError(f"{type(self).__name__} must define step_suite(key, inner, action, params)")

    def observe_suite(self, state: BridgeState) -> Any:
        """Return the observation of a state."""
        return state.obs

    def render_suite(self, state: BridgeState) -> Array:
        """Return a drawing, uint8[height, width, 3] of any size, or raise a SuiteRenderError."""
        raise NotImplementedError(f"{type(self).__name__} must define render_suite(state)")

    @property
    def draws(self) -> tuple[bool, bool]:
        """Whether ``reset_suite`` and ``step_suite`` draw from their keys: where one does not, no random words are made for it."""
        return True, False

    # -- the hooks -----------------------------------------------------------------------------------------------------

    @property
    def original(self) -> Any:
        """The suite's own environment."""
        return self.built.env

    @property
    def built(self) -> Built:
        """What is known of the suite's environment."""
        return _build(_bridge(type(self)), self.task, self.options)

    @property
    def name(self) -> str:
        return f"{self.suite}/{self.task}"

    @property
    def default_params(self) -> Any:
        return self.built.params

    def draws_in_init(self, params: Any) -> bool:
        return self.draws[0]

    def draws_in_transition(self, params: Any) -> bool:
        return self.draws[1]

    def init(self, key: Array, params: Any) -> BridgeState:
        with standard_promotion():
            inner, obs = self.reset_suite(suite_key(key, self.draws[0]), params)
        return BridgeState(inner=inner, obs=obs)

    def transition(self, key: Array, state: BridgeState, action: Any, params: Any) -> Transition[BridgeState]:
        own = jax.tree.map(lambda leaf: leaf, state.inner)  # Brax writes into the dicts of the state that it is given
        with standard_promotion():
            inner, reward, terminated, info, obs = self.step_suite(suite_key(key, self.draws[1]), own, action, params)
            after = state.replace(inner=_like(inner, state.inner), obs=_like(obs, state.obs))
        return Transition(after, reward, terminated, info)

    def observe(self, state: BridgeState, params: Any) -> Any:
        with standard_promotion():
            return self.observe_suite(state)

    def render(self, state: BridgeState, params: Any, size: int | tuple[int, int] = 256) -> Array:
        with standard_promotion():
            return resized(self.render_suite(state), size)

    def action_space(self, params: Any) -> spaces.Space:
        return self.built.action_space

    def observation_space(self, params: Any) -> spaces.Space:
        return self.built.observation_space


def suite_key(key: Array, draws: bool = True) -> Array:
    """Return the raw key, uint32[2] with JAX's default generator, that a bridge hands to its suite where it was given ``key``.

    Where nothing ``draws`` from it, it is a key of zeros.

    >>> import jax
    >>> from jaxenv_bridges import suite_key
    >>> suite_key(jax.random.key(0)).shape
    (2,)
    """
    data = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0)))
    return random.words(key, data.shape) if draws else jnp.zeros(data.shape, data.dtype)


@contextmanager
def standard_promotion() -> Generator[None]:
    """Allow what JAX allows by default, while a suite's functions are traced."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        # A suite's use of JAX should not concern the caller.
        for category in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield


def module(cls: type[Bridge], task: str, name: str) -> Any:
    """Import a module of the suite of ``cls`` for one of its tasks."""
    with standard_promotion():  # some compute when they are imported
        return load(cls.suite, name, f"{cls.suite}/{task}")


def resized(image: Array, size: int | tuple[int, int]) -> Array:
    """Return uint8[h, w, 3] as uint8[*size, 3], each pixel that of the nearest place."""
    height, width = (size, size) if isinstance(size, int) else size
    rows = (np.arange(height) * image.shape[0]) // height
    columns = (np.arange(width) * image.shape[1]) // width
    return image[rows][:, columns].astype(jnp.uint8)


def _bridge(cls: type[Bridge]) -> type[Bridge]:
    """Return the class that builds for ``cls``, so that its subclasses share what it built."""
    return next(base for base in cls.__mro__ if "build" in vars(base))


@cache
def keys_used(env: Bridge) -> tuple[bool, bool]:
    """Tell from their traces whether what ``reset_suite`` and ``step_suite`` return depends on their keys."""
    params, key = env.built.params, jnp.zeros((2,), jnp.uint32)
    with standard_promotion():
        inner, _ = jax.eval_shape(env.reset_suite, key, params)
        action = jax.eval_shape(env.action_space(params).sample, jax.random.PRNGKey(0))
        reset_suite = jax.make_jaxpr(lambda key: env.reset_suite(key, params))(key)
        step_suite = jax.make_jaxpr(lambda key, inner, action: env.step_suite(key, inner, action, params))(key, inner, action)
    return _follows(reset_suite.jaxpr), _follows(step_suite.jaxpr)


def _follows(jaxpr: Any) -> bool:
    """Whether a result depends on the first input; an equation passes it from any operand to all its results."""
    reached = {id(jaxpr.invars[0])}
    for equation in jaxpr.eqns:
        if any(id(operand) in reached for operand in equation.invars):
            reached.update(map(id, equation.outvars))
    return any(id(result) in reached for result in jaxpr.outvars)


@cache
def _build(cls: type[Bridge], task: str, options: tuple[tuple[str, Any], ...]) -> Built:
    """Build an environment of a suite once: outside of any trace, so that its constants are arrays."""
    try:
        with jax.ensure_compile_time_eval(), standard_promotion():
            return cls.build(task, dict(options))
    except JaxenvError:
        raise
    except Exception as error:
        raise SuiteTaskError(f"{cls.suite}/{task}", cls.suite, version(cls.suite), describe_exception(error)) from error


def _like(new: Any, old: Any) -> Any:
    """Return ``new`` with the dtypes of ``old``: suites let them drift between a reset and a step."""
    if jax.tree.structure(new) != jax.tree.structure(old):
        return new  # core says what differs
    return jax.tree.map(lambda a, b: jnp.asarray(a).astype(b.dtype), new, old)
