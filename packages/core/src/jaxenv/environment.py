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

import copy
import dataclasses
import os
from collections.abc import Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, Generic, Self, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array, lax

from jaxenv import _canonical, _classes, _hooks, _overrides, checking, random, ranges, spaces
from jaxenv._canonical import NO_TIME_LIMIT
from jaxenv._record import Record
from jaxenv.errors import HookResultTypeError, RenderNotSupportedError, TracedParamError


@struct.dataclass(kw_only=True)
class State(Record):
    """Base class of every environment's state. Subclasses add their own fields."""

    time: Array | int = 0
    """Steps taken in this episode, int32[]; kept by jaxenv, so neither ``init`` nor ``transition`` sets it."""


@struct.dataclass(kw_only=True)
class Params(Record):
    """Base class of every environment's parameters. Subclasses add their own leaves, each with a default."""

    max_steps_in_episode: Array | int = ranges.number(NO_TIME_LIMIT, at_least=1)
    """Steps after which an episode is truncated, int32[], at least 1; None for no limit."""


_STEP_HOOKS = "transition(key, state, action, params), or draw_step(key, params) and dynamics(state, action, draws, params)"

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
    """Whether the time limit was reached, bool[]. Set by ``advance``; ``transition`` leaves it alone."""


@dataclass_transform(frozen_default=True, kw_only_default=False)
@dataclasses.dataclass(frozen=True)
class Environment(_classes.Frozen, Generic[StateT, ParamsT], metaclass=_classes.EnvironmentType):
    """A reinforcement-learning task as pure functions.

    Subclasses become frozen dataclasses by themselves; their annotated fields must be hashable. An ``__init__`` or
    ``__post_init__`` of their own may set these fields, and ``@dataclasses.dataclass(frozen=True)`` or
    ``@flax.struct.dataclass`` may stand above them. An author writes ``default_params``, ``init``, ``transition``
    (or ``draw_step`` and ``dynamics``), ``observe``, ``action_space`` and ``observation_space``, and where it makes sense
    ``draws_in_init``, ``draws_in_transition``, ``carry_over`` and ``render``. Core provides everything else.

    Hooks see one environment, never a batch, with parameters and state of fixed dtypes: floats have JAX's default float
    dtype, counters are int32. They run under ``jit``, so they must not use values in Python (``if``, ``int()``).

    Every class gets from core: ``default_params`` as ``make`` or ``replace`` changed them; ``action_space``, ``observation_space``
    and ``render`` with params that may be left out, and of any layer beneath a wrapper; and a constructor that checks fields
    against the ranges that :func:`jaxenv.ranges.number` states.
    """

    param_overrides: _overrides.Overrides = dataclasses.field(default=(), kw_only=True, repr=False, metadata={"internal": True})
    """What ``make`` and ``replace`` changed in ``default_params``: paths and hashable values. Set it through them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.make_environment(cls)
        _hooks.complete(cls)

    def __post_init__(self) -> None:
        """Check the fields; a subclass's own is called after core has checked the ranges."""
        _hooks.check_fields(self)

    # -- what an author writes ---------------------------------------------------------------------------------

    @property
    def default_params(self) -> ParamsT:
        """The parameters of the published task."""
        raise NotImplementedError(f"{type(self).__name__} must define default_params")

    @property
    def params_template(self) -> ParamsT:
        """Params of the type that this environment takes, with leaves of the same kinds.

        Params that a caller passes are checked against them. Override it where ``default_params`` are expensive to make or may be
        missing, such as data on disk.
        """
        return self.default_params

    def init(self, key: Array, params: ParamsT) -> StateT:
        """Draw the first state of an episode.

        Args:
            key: a typed key, of which the draws are made.
            params: the parameters, in the dtypes of ``params_template``.

        Returns:
            The state in which an episode begins, without batch axes. ``time`` is left at 0.
        """
        raise NotImplementedError(f"{type(self).__name__} must define init(key, params)")

    def transition(self, key: Array, state: StateT, action: Any, params: ParamsT) -> Transition[StateT]:
        """Take one step of the task, without a clock: natural termination only, no time limit, no reset.

        ``advance`` calls it, and is what moves ``state.time`` and sets ``truncated``. Wrappers override ``advance`` instead.

        By default it is ``dynamics(state, action, draw_step(key, params), params)``: an environment whose sampling is apart from
        its dynamics defines these two, any other defines ``transition``.

        Args:
            key: a typed key, never used before.
            state: the state before the step.
            action: a member of ``action_space(params)``, in its dtype.
            params: the parameters.

        Returns:
            A :class:`Transition` of the new state, the reward, whether the task ended, and ``info``.
        """
        return self.dynamics(state, action, self.draw_step(key, params), params)

    def draw_step(self, key: Array, params: ParamsT) -> Any:
        """Draw all the randomness of one step, whatever happens in it.

        With :meth:`dynamics`, this is the optional pair of hooks that takes the place of ``transition``. A test may then feed the
        same draws to the environment and to a reference implementation.

        Args:
            key: one key, typed or raw.
            params: the parameters, with fixed dtypes.

        Returns:
            The draws: a NamedTuple of arrays, with the same shapes and dtypes for every key.
        """
        raise NotImplementedError(f"{type(self).__name__} must define {_STEP_HOOKS}")

    def dynamics(self, state: StateT, action: Any, draws: Any, params: ParamsT) -> Transition[StateT]:
        """Take one step of the task with given draws: a pure function, without a clock, as ``transition`` is.

        The contract: ``transition(key, state, action, params)`` equals ``dynamics(state, action, draw_step(key, params), params)``.

        Args:
            state: the state before the step.
            action: a member of ``action_space(params)``.
            draws: what ``draw_step`` returns, or values of the same shapes and dtypes from elsewhere.
            params: the parameters, with fixed dtypes.

        Returns:
            The transition, as from ``transition``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define {_STEP_HOOKS}")

    def observe(self, state: StateT, params: ParamsT) -> Any:
        """Return what the agent sees in ``state``: a pure function without randomness of its own.

        Args:
            state: the state, before or after a step.
            params: the parameters.
        """
        raise NotImplementedError(f"{type(self).__name__} must define observe(state, params)")

    def action_space(self, params: ParamsT) -> spaces.Space:
        """Return the space that every action must belong to.

        Args:
            params: the parameters, on which bounds may depend. Callers may leave them out.
        """
        raise NotImplementedError(f"{type(self).__name__} must define action_space(params)")

    def observation_space(self, params: ParamsT) -> spaces.Space:
        """Return the space that every observation belongs to.

        Args:
            params: the parameters, on which bounds may depend. Callers may leave them out.
        """
        raise NotImplementedError(f"{type(self).__name__} must define observation_space(params)")

    def carry_over(self, fresh: StateT, ended: StateT, params: ParamsT) -> StateT:
        """Return the state that begins the next episode: ``fresh``, plus what survives from ``ended``.

        Args:
            fresh: the state that ``init`` drew for the next episode.
            ended: the last state of the episode that ended.
            params: the parameters.
        """
        del ended, params
        return fresh

    def render(self, state: StateT, params: ParamsT, size: int | tuple[int, int] = 256) -> Array:
        """Draw ``state``. A JAX function of state and params; ``size`` is static.

        Args:
            state: the state.
            params: the parameters. Callers may leave them out.
            size: height and width in pixels, or one number for both.

        Returns:
            The picture, uint8[H, W, 3].

        Raises:
            RenderNotSupportedError: the environment has no drawing.
        """
        raise RenderNotSupportedError(self.name)

    def draws_in_init(self, params: ParamsT) -> bool:
        """Return whether ``init`` draws from its key.

        ``step`` splits its key between ``transition`` and ``init`` only where both draw; else both get the whole key, because
        random numbers are the first cost of a step on a CPU. An environment that draws nothing in one of the two overrides its
        declaration to return False. True is always safe, and :func:`jaxenv.testing.check_env` finds a False that is wrong.

        Args:
            params: the parameters. Only static facts may decide: fields of the environment, and whether a leaf is None.
        """
        del params
        return True

    def draws_in_transition(self, params: ParamsT) -> bool:
        """Return whether ``transition``, or the ``advance`` of a wrapper, draws from its key; see :meth:`draws_in_init`.

        Args:
            params: the parameters, of which only static facts may decide.
        """
        del params
        return True

    @property
    def differentiable(self) -> bool:
        """Whether gradients of a step are promised: of observations, state and reward, by the state, the params and float actions.

        They are finite then, and those by the state and by float actions are not all zero. By default nothing is promised.
        """
        return False

    def report(self, info: dict[str, Any]) -> dict[str, Any]:
        """Return the entries of ``info`` that the caller gets. Wrappers override it to leave entries out.

        Args:
            info: what a step reports, with the entries that core adds.
        """
        return info

    def batch_axes(self, state: Any, axis_name: str) -> Any:
        """Return the batch axis of each leaf of ``state``, or None where the environments of ``axis_name`` share one value.

        Args:
            state: a state, or its shapes.
            axis_name: the name of the mapped axis.
        """
        del axis_name
        return jax.tree.map(lambda _: 0, state)

    # -- what every caller gets --------------------------------------------------------------------------------

    def reset(self, key: Array, params: ParamsT | None = None) -> tuple[Any, StateT]:
        """Begin an episode.

        Args:
            key: a typed key (``jax.random.key(0)``) or a raw uint32 one (``jax.random.PRNGKey(0)``).
            params: the parameters; ``None`` means ``default_params``. Numbers whose values are known are checked against the
                ranges that they state.

        Returns:
            ``(obs, state)``, in the dtypes of the spaces.
        """
        if params is not None:
            ranges.check_tree(self.name, params)
        try:
            return checking.run(_reset, self.without_overrides, key, self._lifted_params(params), kernels=_batches_are_kernels())
        except TypeError as error:
            _hooks.explain(self, error, key=key, params=params)
            raise

    def restart(self, key: Array, state: StateT, params: ParamsT | None = None) -> tuple[Any, StateT]:
        """Begin the next episode after the one that ``state`` is of, finished or not, as ``step`` does when an episode is done.

        What carries over is kept: running statistics, bsuite's counters, all that ``carry_over`` keeps. ``reset`` keeps nothing.
        To restart chosen environments of a batch, use ``Vectorize.restart``, or select between the states.

        Args:
            key: randomness for the reset.
            state: what ``reset`` or the last step returned.
            params: the parameters; ``None`` means ``default_params``.

        Returns:
            ``(obs, state)`` of the next episode.
        """
        try:
            return _restart(self.without_overrides, key, state, self._lifted_params(params))
        except TypeError as error:
            _hooks.explain(self, error, key=key, state=state, params=params)
            raise

    def step(
        self, key: Array, state: StateT, action: Any, params: ParamsT | None = None
    ) -> tuple[Any, StateT, Array, Array, dict[str, Any]]:
        """Take one step, and begin the next episode if this one is done (see the module's timeline).

        Args:
            key: randomness for this step and for a reset; never used before.
            state: what ``reset`` or the last step returned.
            action: a member of ``action_space(params)``. A Discrete or MultiDiscrete choice outside of it acts as the nearest
                inside; how a Box's bounds act is up to the environment. A single component may be a number or an array of one.
            params: the parameters; ``None`` means ``default_params``.

        Returns:
            ``(obs, state, reward, done, info)``: reward float32[], done bool[], ``info`` with ``terminated``,
            ``truncated`` (bool[]), ``discount`` (float32[]) and ``final_observation``.
        """
        if isinstance(action, float | list | np.ndarray | np.floating):
            action = self.action_space(self._params_or_default(params)).fitted(action)
        try:
            return checking.run(
                _step, self.without_overrides, key, state, action, self._lifted_params(params), kernels=_batches_are_kernels()
            )
        except TypeError as error:
            _hooks.explain(self, error, key=key, state=state, action=action, params=params)
            raise

    def step_env(
        self, key: Array, state: StateT, action: Any, params: ParamsT | None = None
    ) -> tuple[Any, StateT, Array, Array, dict[str, Any]]:
        """Take the step that ``step`` takes with the same key, without the reset: ``obs`` and ``state`` may be final.

        Nothing stops at the end of an episode. Stepping a final state takes one more transition of the task: the clock goes on,
        ``truncated`` stays true from the time limit on, and whether ``terminated`` stays true depends on the task. Where an
        episode is over, call ``reset`` or ``restart``.

        Args:
            key: randomness for this step; never used before.
            state: the state of ``reset``, or of the last step.
            action: a member of ``action_space(params)``.
            params: the parameters; ``None`` means ``default_params``.

        Returns:
            ``(obs, state, reward, done, info)``, as ``step`` returns them.
        """
        if isinstance(action, float | list | np.ndarray | np.floating):
            action = self.action_space(self._params_or_default(params)).fitted(action)
        try:
            return checking.run(_step_env, self.without_overrides, key, state, action, self._lifted_params(params))
        except TypeError as error:
            _hooks.explain(self, error, key=key, state=state, action=action, params=params)
            raise

    def replace(self, **changes: Any) -> Self:
        """Return the environment with other fields, and with other leaves of ``default_params``, by name as in ``make``.

        Where params are nested, as a wrapper's are, the outermost leaf of that name is meant; a wrapper passes fields of the
        environments beneath on to them.

        Args:
            **changes: fields of the environment and leaves of its ``default_params``, by name.

        >>> import jaxenv
        >>> env, params = jaxenv.make("CartPole-v1")
        >>> env.replace(integrator="semi-implicit euler", gravity=1.6).default_params.gravity
        1.6
        """
        fields = {field.name for field in dataclasses.fields(self) if field.init and not field.metadata.get("internal")}
        env = _classes.replaced(self, **{name: value for name, value in changes.items() if name in fields})
        leaves = {name: value for name, value in changes.items() if name not in fields}
        if not leaves:
            return env
        return env.with_leaves(_overrides.resolve(self.name, env.default_params, fields, leaves))

    def with_leaves(self, leaves: Mapping[tuple[str, ...], Any]) -> Self:
        """Return the environment whose ``default_params`` have other leaves, given by their paths.

        Args:
            leaves: the new value of each leaf, by its path: a tuple of names from the outermost params inwards.
        """
        return _classes.replaced(self, param_overrides=_overrides.merge(self.param_overrides, leaves))

    def state_shapes(self, params: ParamsT) -> StateT:
        """Return the shapes and dtypes of a state, in the structure that it has.

        Args:
            params: the parameters.
        """
        key = jax.eval_shape(lambda: jax.random.key(0))
        params = _canonical.params(params, self)
        return _init_shapes(self, key, params)

    def accepts(self, params: Any) -> bool:
        """Whether ``params`` belong to this environment, rather than to another one or to a layer beneath it.

        Args:
            params: any parameters.
        """
        return isinstance(params, self.expected_params.types[0])

    @property
    def expected_params(self) -> _canonical.Expected:
        """What given params are checked against: the types and the kinds of leaves of ``params_template``, looked up once."""
        try:
            return _expected_params(self)
        except TypeError:  # an environment that can't be hashed: jax.jit says so
            return _canonical.expected_params(self.params_template)

    def observed_layer(self, state: Any, params: Any) -> tuple[Environment[Any, Any], Any, Any]:
        """Return the layer whose observation this one shows, with its part of ``state`` and ``params``: here, itself.

        Args:
            state: the state of this layer.
            params: the params of this layer.
        """
        return self, state, params

    def lift(self, params: Any) -> Any:
        """Return ``params`` of this environment or of any layer beneath as params of this environment.

        Args:
            params: the parameters of any layer.
        """
        return params

    def advance(self, key: Array, state: StateT, action: Any, params: ParamsT) -> Transition[StateT]:
        """Take one step with the clock: ``transition``, then ``state.time`` grows by one and ``truncated`` is the time limit's.

        This is what wrappers override: theirs calls that of the environment within, so the clock moves once for any stack. An
        environment that is no wrapper leaves it alone. Callers use ``step``, which adds the reset.

        Args:
            key: randomness for this step.
            state: the state before the step, with the dtypes of ``init``.
            action: a member of ``action_space(params)``.
            params: the parameters, with fixed dtypes.

        Returns:
            The Transition, with ``truncated`` set.
        """
        out = self.transition(key, state, action, params)
        _require_transition(self, "transition", out)
        time = lax.add(jnp.asarray(state.time, jnp.int32), np.int32(1))
        truncated = lax.ge(time, jnp.asarray(params.max_steps_in_episode, jnp.int32))
        return out.replace(state=out.state.replace(time=time), truncated=truncated)

    @property
    def name(self) -> str:
        """The name of the environment's class."""
        return type(self).__name__

    @property
    def num_actions(self) -> int:
        """The width of a policy's output layer: choices of a Discrete space, components of a Box."""
        return spaces.flatdim(self.action_space(self.params_template))

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        """The environment beneath all wrappers: here, itself."""
        return self

    def state_space(self, params: ParamsT | None = None) -> spaces.Dict:
        """Return the space of the state, field by field, with its shapes and dtypes; bounds are the dtypes' own.

        Args:
            params: the parameters; ``None`` means ``default_params``.
        """
        key = jax.eval_shape(lambda: jax.random.key(0))
        shapes = jax.eval_shape(lambda k, p: _reset(self, k, p)[1], key, self._params_or_default(params))
        return spaces.of_structure(shapes)

    @cached_property
    def without_overrides(self) -> Self:
        """This environment with the ``default_params`` of its class, without the changes of ``make`` and ``replace``.

        With the same params it does the same, so environments that differ in numbers alone share one compilation.
        """
        return self._without_overrides()

    def _without_overrides(self, **changes: Any) -> Self:
        """Return the environment without overrides and with other fields, unchecked: they were checked with the overrides."""
        if not self.param_overrides and all(getattr(self, name) is value for name, value in changes.items()):
            return self
        env = copy.copy(self)
        for name, value in {"param_overrides": (), **changes}.items():
            object.__setattr__(env, name, value)
        return env

    def _lifted_params(self, params: ParamsT | None) -> Any:
        """Return the params for :attr:`without_overrides`, to which those of a layer beneath mean another task."""
        given = self._params_or_default(params)
        return given if self.without_overrides is self else self.lift(given)

    def _params_or_default(self, params: ParamsT | None) -> ParamsT:
        if params is not None:
            return params
        traced = [".".join(path) for path, value in self.param_overrides if _overrides.has_traced(value)]
        if traced:
            raise TracedParamError(self.name, traced)
        return self.default_params


def _require_transition(env: Environment[Any, Any], hook: str, out: Any) -> None:
    if not isinstance(out, Transition):
        action = "Write `return Transition(state, reward, terminated)`, with info as a fourth where there is some"
        raise HookResultTypeError(env.name, hook, out, "a Transition", action)
    _require_state(env, hook, out.state)


def _require_state(env: Environment[Any, Any], hook: str, state: Any) -> None:
    if not (hasattr(state, "replace") and hasattr(state, "time")) or isinstance(state, type):
        action = "Derive a class from jaxenv.State, give it the fields that change, and return one"
        raise HookResultTypeError(
            env.name, hook, state, "a State" if hook == "init" else "a Transition whose state is a State", action
        )


@lru_cache(maxsize=256)
def _expected_params(env: Environment[Any, Any]) -> _canonical.Expected:
    return _canonical.expected_params(env.params_template)


def first_state(env: Environment[Any, Any], key: Array, params: Any) -> Any:
    """Return what ``init`` returns, checked and with fixed dtypes; a wrapper's way to the environment within."""
    state = env.init(key, params)
    _require_state(env, "init", state)
    return _canonical.strong(state)


_init = partial(jax.jit, static_argnums=0)(first_state)
"""``first_state``, which a reset, a step and the shapes of a state share: it is traced once."""


def _init_shapes(env: Environment[Any, Any], key: Array, params: Any) -> Any:
    """Return the shapes and dtypes of a state, of the trace that a reset makes anyway."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), _init.trace(env, key, params).out_info)


def advanced(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
    """Return what ``advance`` returns, checked and with fixed dtypes; a wrapper's way to the environment within."""
    out = env.advance(key, state, action, params)
    _require_transition(env, "advance", out)
    return out.replace(
        state=_canonical.like(out.state, state, env),
        reward=_canonical.scalar(out.reward, jnp.float32, env, "reward"),
        terminated=_canonical.scalar(out.terminated, jnp.bool_, env, "terminated"),
        info=_canonical.strong(dict(out.info)),
    )


_advance = partial(jax.jit, static_argnums=0)(advanced)
"""``advanced``, which ``step`` and ``step_env`` share: it is traced once."""


def _keyed_advance(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> tuple[Transition[Any], Array]:
    """Return the transition and the key for the reset that may follow it.

    The key is split only where both the transition and ``init`` declare that they draw from it: on a CPU, random numbers are
    the first cost of a step, and a key that one of them ignores may go to the other whole.
    """
    key_advance = key_reset = key
    if env.draws_in_transition(params) and env.draws_in_init(params):
        key_advance, key_reset = random.split(key)
    return _advance(env, key_advance, state, action, params), key_reset


_HOW_TO_RESET = "jax.vmap(env.reset, in_axes=(0, None))(keys, params)"
_HOW_TO_STEP = "jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, states, actions, params)"
_HOW_TO_VARY = "jax.vmap(env.step, in_axes=(0, 0, 0, 0))(keys, states, actions, params), where every leaf has this axis"


def _arguments(
    env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any, check: bool = False
) -> tuple[Array, Any, Any, Any]:
    """Check what a caller passed, and give it the dtypes that the hooks may rely on."""
    key = _canonical.key(key, _HOW_TO_STEP)
    params = _canonical.params(env.lift(params), env, _HOW_TO_VARY)
    state = _canonical.state(state, _init_shapes(env, key, params), env.name, _HOW_TO_STEP)
    space = env.action_space(params)
    action = _canonical.action(space, action, env.name, _HOW_TO_STEP)
    if check:
        checking.action(env.name, space, action)
        checking.params(env.name, params)
    return key, state, space.nearest(action), params


@partial(jax.jit, static_argnums=0)  # a rollout and its steps ask again and again: it is traced once
def _observation(env: Environment[Any, Any], state: Any, params: Any) -> Any:
    params = env.lift(params)  # a rollout passes what its caller gave
    env, state, params = env.observed_layer(state, params)
    return env.observation_space(params).cast(env.observe(state, params), f"{env.name}'s observation")


def _results(out: Transition[Any], final_observation: Any) -> tuple[Array, Array, dict[str, Any]]:
    terminated, truncated = jnp.asarray(out.terminated), jnp.asarray(out.truncated)
    info = dict(
        out.info,
        terminated=terminated,
        truncated=truncated,
        discount=lax.select(terminated, np.float32(0.0), np.float32(1.0)),
        final_observation=final_observation,
    )
    return jnp.asarray(out.reward), lax.bitwise_or(terminated, truncated), info


@partial(jax.jit, static_argnums=(0, 3), static_argnames="kernels")
def _reset(env: Environment[Any, Any], key: Array, params: Any, check: bool = False, *, kernels: bool = False) -> tuple[Any, Any]:
    key = _canonical.key(key, _HOW_TO_RESET)
    params = _canonical.params(env.lift(params), env, _HOW_TO_VARY)
    if check:
        checking.params(env.name, params)
        obs, state = _plain_reset(env, key, params)
        checking.observation(env.name, env.observation_space(params), obs)
        return obs, state
    if kernels:
        from jaxenv.engine import batched

        return batched.reset(env, _plain_reset, _observation, key, params)
    return _plain_reset(env, key, params)


def _plain_reset(env: Environment[Any, Any], key: Array, params: Any) -> tuple[Any, Any]:
    state = _init(env, key, params)
    return _observation(env, state, params), state


@partial(jax.jit, static_argnums=0)
def _restart(env: Environment[Any, Any], key: Array, state: Any, params: Any) -> tuple[Any, Any]:
    key = _canonical.key(key, _HOW_TO_RESET)
    params = _canonical.params(env.lift(params), env, _HOW_TO_VARY)
    fresh = _init(env, key, params)
    state = _canonical.state(state, _init_shapes(env, key, params), env.name, _HOW_TO_STEP)
    state = _canonical.like(env.carry_over(fresh, state, params), state, env)
    return _observation(env, state, params), state


@partial(jax.jit, static_argnums=(0, 5))
def _step_env(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any, check: bool = False) -> Any:
    key, state, action, params = _arguments(env, key, state, action, params, check)
    out, _ = _keyed_advance(env, key, state, action, params)
    obs = _observation(env, out.state, params)
    if check:
        checking.observation(env.name, env.observation_space(params), obs)
    reward, done, info = _results(out, obs)
    return obs, out.state, reward, done, env.report(info)


@partial(jax.jit, static_argnums=(0, 5), static_argnames="kernels")
def _step(
    env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any, check: bool = False, *, kernels: bool = False
) -> Any:
    obs, state, reward, done, info = _step_with_all(env, key, state, action, params, check, kernels)
    return obs, state, reward, done, env.report(info)


def _step_with_all(
    env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any, check: bool = False, kernels: bool = False
) -> Any:
    """Take a step; ``info`` holds everything, what a wrapper leaves out too."""
    args = _arguments(env, key, state, action, params, check)
    if kernels and not check:
        from jaxenv.engine import batched

        return batched.step(env, _plain_step, _observation, *args)
    obs, state, reward, done, info = _plain_step(env, *args)
    if check:
        space = env.observation_space(args[-1])
        checking.observation(env.name, space, info["final_observation"])
        checking.observation(env.name, space, obs)
    return obs, state, reward, done, info


def _plain_step(env: Environment[Any, Any], key: Array, state: Any, action: Any, params: Any) -> Any:
    out, key_reset = _keyed_advance(env, key, state, action, params)
    reward, done, info = _results(out, _observation(env, out.state, params))
    fresh = env.carry_over(_init(env, key_reset, params), out.state, params)
    state = _canonical.select(done, _canonical.like(fresh, out.state, env), out.state)
    return _observation(env, state, params), state, reward, done, info


def _batches_are_kernels() -> bool:
    """Whether batched steps may be kernels; on a CPU that is settled without importing the engine."""
    if jax.default_backend() == "cpu" and os.environ.get("JAXENV_ENGINE") != "host":
        return False
    from jaxenv.engine import select

    return select.kernels_on(select.platform_of())[0] is not None
