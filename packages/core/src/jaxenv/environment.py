"""The protocol: what the author of an environment writes, and what every caller gets.

An environment is a *value*: a frozen dataclass whose fields are its static structure (sizes, maps, action
sets). Equal fields make equal, equally hashed environments, so two of them share one compilation. Everything
numeric that a user may want to vary, ``vmap`` or differentiate is a leaf of its :class:`Params`; everything
that changes is a leaf of its :class:`State`.

Timeline of ``obs, state, reward, done, info = env.step(key, state, action, params)``:

=================  ==================  ======================  =============================================
the step           ``done``            ``obs``, ``state``      ``info``
=================  ==================  ======================  =============================================
ordinary           False               of this episode         terminated F, truncated F, discount 1
terminates         True                begin the next episode  terminated T, truncated F, discount 0
reaches the limit  True                begin the next episode  terminated F, truncated T, discount 1
both at once       True                begin the next episode  terminated T, truncated T, discount 0
the step after     as if first called  of the next episode     ``state.time`` is 1
=================  ==================  ======================  =============================================

``reward`` always belongs to the action that was just taken, the last one of an episode included.
``info["final_observation"]`` is the observation before the reset (on an ordinary step it equals ``obs``): bootstrap
from it, times ``info["discount"]``. No step is lost to the reset: it happens within the step that ends the episode.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Generic, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenv import _canonical, _classes, random, spaces
from jaxenv._record import Record
from jaxenv.errors import HookResultTypeError, RenderNotSupportedError

NO_TIME_LIMIT = 2**31 - 1
"""The value of ``max_steps_in_episode`` that never truncates an episode (the largest int32)."""


@struct.dataclass(kw_only=True)
class State(Record):
    """Base class of every environment's state. Subclasses add their own fields."""

    time: Array | int = 0
    """Steps taken in this episode, int32[]; kept by jaxenv, so neither ``init`` nor ``transition`` sets it."""


@struct.dataclass(kw_only=True)
class Params(Record):
    """Base class of every environment's parameters. Subclasses add their own leaves, each with a default."""

    max_steps_in_episode: Array | int = NO_TIME_LIMIT
    """Steps after which an episode is truncated, int32[], at least 1."""


StateT = TypeVar("StateT", bound=Any)
ParamsT = TypeVar("ParamsT", bound=Any)


@struct.dataclass
class Transition(Record, Generic[StateT]):
    """What one step of the task gives, before the clock, the time limit and the reset."""

    state: StateT
    """The state after the step."""
    reward: Array | float
    """The reward of the step, a scalar; handed to the caller as float32[]."""
    terminated: Array | bool
    """Whether the task itself ended, bool[]."""
    info: Mapping[str, Any] = struct.field(default_factory=dict)
    """Anything else worth reporting, a dict with the same keys, shapes and dtypes on every step."""
    truncated: Array | bool = False
    """Whether the time limit was reached, bool[]. Set by ``advance``; an environment leaves it alone."""


@dataclass_transform(frozen_default=True, kw_only_default=False)
class Environment(_classes.Frozen, Generic[StateT, ParamsT], metaclass=_classes.EnvironmentType):
    """A reinforcement-learning task as pure functions.

    Subclasses become frozen dataclasses by themselves; their annotated fields must be hashable. An ``__init__`` or
    ``__post_init__`` of their own may set these fields, and ``@dataclasses.dataclass(frozen=True)`` or
    ``@flax.struct.dataclass`` may stand above them. An author writes ``default_params``, ``init``, ``transition``,
    ``observe``, ``action_space`` and ``observation_space``, and where it makes sense ``carry_over`` and ``render``.
    Everything else is given.

    Hooks see one environment, never a batch, with parameters and state of fixed dtypes: floats have JAX's default float
    dtype, counters are int32. They must not look at values in Python (``if``, ``int()``): they run under ``jit``.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.make_environment(cls)

    # -- what an author writes ---------------------------------------------------------------------------------

    @property
    def default_params(self) -> ParamsT:
        """The parameters of the published task."""
        raise NotImplementedError(f"{type(self).__name__} must define default_params")

    @property
    def params_template(self) -> ParamsT:
        """Params of the type that this environment takes, with leaves of the same kinds: what given params are checked against.

        Override it where ``default_params`` are dear to make or may be missing, such as data on disk.
        """
        return self.default_params

    def init(self, key: Array, params: ParamsT) -> StateT:
        """Draw the first state of an episode."""
        raise NotImplementedError(f"{type(self).__name__} must define init(key, params)")

    def transition(self, key: Array, state: StateT, action: Any, params: ParamsT) -> Transition[StateT]:
        """Take one step of the task: natural termination only, no time limit, no reset."""
        raise NotImplementedError(f"{type(self).__name__} must define transition(key, state, action, params)")

    def observe(self, state: StateT, params: ParamsT) -> Any:
        """Return what the agent sees in ``state``: a pure function without randomness of its own."""
        raise NotImplementedError(f"{type(self).__name__} must define observe(state, params)")

    def action_space(self, params: ParamsT) -> spaces.Space:
        """Return the space that every action must belong to."""
        raise NotImplementedError(f"{type(self).__name__} must define action_space(params)")

    def observation_space(self, params: ParamsT) -> spaces.Space:
        """Return the space that every observation belongs to."""
        raise NotImplementedError(f"{type(self).__name__} must define observation_space(params)")

    def carry_over(self, fresh: StateT, ended: StateT, params: ParamsT) -> StateT:
        """Return the state that begins the next episode: ``fresh``, plus what survives from ``ended``."""
        del ended, params
        return fresh

    def render(self, state: StateT, params: ParamsT, size: int | tuple[int, int] = 256) -> Array:
        """Draw ``state`` as uint8[H, W, 3]; a JAX function, ``size`` (H and W in pixels, or one number for both) apart."""
        raise RenderNotSupportedError(self.name)

    @property
    def differentiable(self) -> bool:
        """Whether gradients of a step are promised: of observations, state and reward, by the state, the params and float actions.

        They are finite then, and those by the state and by float actions are not all zero. By default nothing is promised.
        """
        return False

    # -- what every caller gets --------------------------------------------------------------------------------

    def reset(self, key: Array, params: ParamsT | None = None) -> tuple[Any, StateT]:
        """Begin an episode.

        Args:
            key: a typed key (``jax.random.key(0)``) or a raw uint32 one (``jax.random.PRNGKey(0)``).
            params: the parameters; ``None`` means ``default_params``.

        Returns:
            ``(obs, state)``, in the dtypes of the spaces.
        """
        return _reset(self, key, self._given(params))

    def step(
        self, key: Array, state: StateT, action: Any, params: ParamsT | None = None
    ) -> tuple[Any, StateT, Array, Array, dict[str, Any]]:
        """Take one step, and begin the next episode if this one is done (see the module's timeline).

        Args:
            key: randomness for this step and for a reset; never used before.
            state: what ``reset`` or the last step returned.
            action: a member of ``action_space(params)``.
            params: the parameters; ``None`` means ``default_params``.

        Returns:
            ``(obs, state, reward, done, info)``: reward float32[], done bool[], ``info`` with ``terminated``,
            ``truncated`` (bool[]), ``discount`` (float32[]) and ``final_observation``.
        """
        return _step(self, key, state, action, self._given(params))

    def step_env(
        self, key: Array, state: StateT, action: Any, params: ParamsT | None = None
    ) -> tuple[Any, StateT, Array, Array, dict[str, Any]]:
        """Take the very step that ``step`` takes with this key, without the reset: ``obs`` and ``state`` may be final."""
        return _step_env(self, key, state, action, self._given(params))

    def advance(self, key: Array, state: StateT, action: Any, params: ParamsT) -> Transition[StateT]:
        """Take ``transition``, move the clock and apply the time limit. For wrappers; callers use ``step``."""
        out = self.transition(key, state, action, params)
        _require_transition(self, out)
        time = jnp.asarray(state.time, jnp.int32) + 1
        truncated = time >= jnp.asarray(params.max_steps_in_episode, jnp.int32)
        return out.replace(state=out.state.replace(time=time), truncated=truncated)

    @property
    def name(self) -> str:
        """The name of the environment's class."""
        return type(self).__name__

    @property
    def num_actions(self) -> int:
        """How wide a policy's output layer is: choices of a Discrete space, components of a Box."""
        return spaces.flatdim(self.action_space(self.params_template))

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        """The environment beneath all wrappers: here, itself."""
        return self

    def state_space(self, params: ParamsT | None = None) -> spaces.Dict:
        """Return the space of the state, field by field, with its shapes and dtypes; bounds are the dtypes' own."""
        key = jax.eval_shape(lambda: jax.random.key(0))
        shapes = jax.eval_shape(lambda k, p: _reset(self, k, p)[1], key, self._given(params))
        return spaces.of_structure(shapes)

    def _given(self, params: ParamsT | None) -> ParamsT:
        return self.default_params if params is None else params


def _require_transition(env: Environment[Any, Any], out: Any) -> None:
    if not isinstance(out, Transition):
        action = "Write `return Transition(state, reward, terminated)`, with info as a fourth where there is some"
        raise HookResultTypeError(env.name, "transition", out, "a Transition", action)
    _require_state(env, "transition", out.state)


def _require_state(env: Environment[Any, Any], hook: str, state: Any) -> None:
    if not (hasattr(state, "replace") and hasattr(state, "time")) or isinstance(state, type):
        action = "Derive a class from jaxenv.State, give it the fields that change, and return one"
        raise HookResultTypeError(
            env.name, hook, state, "a State" if hook == "init" else "a Transition whose state is a State", action
        )


@partial(jax.jit, static_argnums=0)
def _init(env: Environment[Any, Any], key: Array, params: Any) -> Any:
    state = env.init(key, params)
    _require_state(env, "init", state)
    return _canonical.strong(state)


@partial(jax.jit, static_argnums=0)
def _advance(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
    out = env.advance(key, state, action, params)
    _require_transition(env, out)
    return out.replace(
        state=_canonical.like(out.state, state, env.name),
        reward=_canonical.scalar(out.reward, jnp.float32, env.name, "reward"),
        terminated=_canonical.scalar(out.terminated, jnp.bool_, env.name, "terminated"),
        info=_canonical.strong(dict(out.info)),
    )


def _keyed_advance(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> tuple[Transition[Any], Array]:
    """Return the transition and the key for the reset that may follow it.

    The key is split only where both the transition and ``init`` draw from it: on a CPU, random numbers are the
    first cost of a step, and a key that one of them ignores may go to the other whole.
    """
    key_advance = key_reset = key
    if _canonical.reads_key(_advance, env, key, state, action, params) and _canonical.reads_key(_init, env, key, params):
        key_advance, key_reset = random.split(key)
    return _advance(env, key_advance, state, action, params), key_reset


def _arguments(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> tuple[Array, Any, Any, Any]:
    """Check what a caller passed, and give it the dtypes that the hooks may rely on."""
    params = _canonical.params(params, env.params_template, env.name)
    action = env.action_space(params).cast(action, f"{env.name}'s action")
    return _canonical.key(key), _canonical.strong(state), action, params


@partial(jax.jit, static_argnums=0)  # a rollout and its steps ask again and again: it is traced once
def _observation(env: Environment[Any, Any], state: Any, params: Any) -> Any:
    return env.observation_space(params).cast(env.observe(state, params), f"{env.name}'s observation")


def _results(out: Transition[Any], final_observation: Any) -> tuple[Array, Array, dict[str, Any]]:
    terminated, truncated = jnp.asarray(out.terminated), jnp.asarray(out.truncated)
    info = dict(
        out.info,
        terminated=terminated,
        truncated=truncated,
        discount=jnp.where(terminated, jnp.float32(0.0), jnp.float32(1.0)),
        final_observation=final_observation,
    )
    return jnp.asarray(out.reward), terminated | truncated, info


@partial(jax.jit, static_argnums=0)
def _reset(env: Environment[Any, Any], key: Array, params: Any) -> tuple[Any, Any]:
    key, params = _canonical.key(key), _canonical.params(params, env.params_template, env.name)
    state = _init(env, key, params)
    return _observation(env, state, params), state


@partial(jax.jit, static_argnums=0)
def _step_env(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Any:
    key, state, action, params = _arguments(env, key, state, action, params)
    out, _ = _keyed_advance(env, key, state, action, params)
    obs = _observation(env, out.state, params)
    reward, done, info = _results(out, obs)
    return obs, out.state, reward, done, info


@partial(jax.jit, static_argnums=0)
def _step(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Any:
    key, state, action, params = _arguments(env, key, state, action, params)
    out, key_reset = _keyed_advance(env, key, state, action, params)
    reward, done, info = _results(out, _observation(env, out.state, params))
    fresh = env.carry_over(_init(env, key_reset, params), out.state, params)
    state = _canonical.select(done, _canonical.like(fresh, out.state, env.name), out.state)
    return _observation(env, state, params), state, reward, done, info
