"""What all wrappers share: an environment whose hooks call another environment's hooks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NoReturn, Self

import jax
from flax import struct
from jax import Array

from jaxenv import _canonical, environment, random, spaces
from jaxenv._classes import RecordType
from jaxenv._record import Record
from jaxenv.environment import Environment, Transition
from jaxenv.errors import WrappedTypeError, WrapperSettingError, WrapperSpaceError
from jaxenv.errors.wording import short
from jaxenv.spaces.base import kind


class Wrapper(Environment[Any, Any]):
    """Forward the whole protocol to ``env``; a subclass overrides the hooks that it changes.

    A wrapper's ``transition`` calls :meth:`inner_advance`, which has moved the clock and applied the time limit already; so
    the wrapper's own ``advance`` is its ``transition`` and nothing more. It never calls the inner ``step``: the reset
    happens once, outside the whole stack, and time limits, ``final_observation`` and ``carry_over`` hold for any stack.

    What a subclass gets from the wrapped environment has fixed dtypes: take states from ``inner_init`` and ``inner_advance``,
    observations from ``inner_observation``. A subclass with memory derives from :class:`StatefulWrapper`, one with numeric
    settings of its own (leaves that a user may vary, ``vmap`` or differentiate) from :class:`ParametricWrapper`, one with both
    from both.
    """

    env: Environment[Any, Any]
    """The wrapped environment."""

    def __post_init__(self) -> None:
        """Check the settings; a subclass that needs certain spaces or settings checks them here, after this."""
        super().__post_init__()
        if not isinstance(self.env, Environment):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise WrappedTypeError(type(self).__name__, self.env)
        for field in dataclasses.fields(self):
            try:
                hash(getattr(self, field.name))
            except TypeError:
                raise WrapperSettingError(
                    f"{type(self).__name__} got {field.name} = {short(getattr(self, field.name))}, which cannot be hashed. "
                    "Pass Python numbers, tuples and functions; to vary a number under JAX, replace the leaf of the params."
                ) from None

    def require_box(self, role: str, *kinds: str, bounded: bool = False, advice: str) -> spaces.Box:
        """Return the wrapped environment's space of actions or observations, which must be a Box.

        Args:
            role: ``"action"`` or ``"observation"``.
            *kinds: the kinds of dtype that serve: ``"bool"``, ``"integer"`` or ``"float"``.
            bounded: whether the Box needs finite bounds.
            advice: what the user can do instead, a sentence for the error.

        Raises:
            WrapperSpaceError: the space is another one.
        """
        space = getattr(self.env, f"{role}_space")(self.env.default_params)
        if not isinstance(space, spaces.Box) or kind(space.dtype) not in kinds or (bounded and not space.bounded.all()):
            self.refuse(role, space, f"a {'bounded ' if bounded else ''}Box of {' or '.join(kinds)} {role}s", advice)
        return space

    def require_function(self, func: Any, name: str = "func") -> None:
        """Refuse what cannot be called.

        Args:
            func: a setting of this wrapper.
            name: its name, for the message.

        Raises:
            WrapperSettingError: it can't be called.
        """
        if not callable(func):
            raise WrapperSettingError(f"{type(self).__name__} got {name} = {short(func)}, which cannot be called. Pass a function.")

    def require_space(self, space: Any) -> None:
        """Refuse what is neither a space nor None.

        Args:
            space: a setting of this wrapper.

        Raises:
            WrapperSettingError: it is neither a space nor None.
        """
        if space is not None and not isinstance(space, spaces.Space):
            raise WrapperSettingError(
                f"{type(self).__name__} got space = {short(space)}. Pass one of jaxenv.spaces, or None to keep it."
            )

    def refuse(self, role: str, space: spaces.Space, needed: str, advice: str) -> NoReturn:
        """Raise the error that this wrapper does not fit an action or observation space.

        Args:
            role: ``"action"`` or ``"observation"``.
            space: the space of the wrapped environment.
            needed: the spaces that fit, in words.
            advice: what the user can do instead, a sentence.

        Raises:
            WrapperSpaceError: always.
        """
        raise WrapperSpaceError(type(self).__name__, self.env.name, f"{role} space", space, needed, advice)

    # -- the wrapped environment -------------------------------------------------------------------------------

    def inner_state(self, state: Any) -> Any:
        """Return the wrapped environment's part of ``state``.

        Args:
            state: the wrapper's state.
        """
        return state

    def inner_params(self, params: Any) -> Any:
        """Return the wrapped environment's part of ``params``.

        Args:
            params: the wrapper's params.
        """
        return params

    def inner_init(self, key: Array, params: Any) -> Any:
        """Draw the wrapped environment's first state.

        Args:
            key: a typed key.
            params: the wrapper's params.

        Returns:
            The state of the wrapped environment.
        """
        return environment._init(self.env, key, self.inner_params(params))

    def inner_advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        """Step the wrapped environment, its clock and time limit included.

        Args:
            key: a typed key, never used before.
            state: the wrapper's state.
            action: an action of the wrapped environment.
            params: the wrapper's params.

        Returns:
            The :class:`jaxenv.Transition` of the wrapped environment.
        """
        state, params = self.inner_state(state), self.inner_params(params)
        action = self._inner_action(action, params)
        return environment._advance(self.env, key, state, action, params)

    def inner_observation(self, env_state: Any, params: Any) -> Any:
        """Return the wrapped environment's observation of its own state.

        Args:
            env_state: the state of the wrapped environment.
            params: the wrapper's params.
        """
        return environment._observation(self.env, env_state, self.inner_params(params))

    def inner_reads_key(self, key: Array, state: Any, action: Any, params: Any) -> bool:
        """Whether the wrapped environment's step draws from its key.

        Args:
            key: a key.
            state: the wrapper's state.
            action: an action of the wrapped environment.
            params: the wrapper's params.
        """
        state, params = self.inner_state(state), self.inner_params(params)
        action = self._inner_action(action, params)
        return _canonical.reads_key(environment._advance, self.env, key, state, action, params)

    def _inner_action(self, action: Any, params: Any) -> Any:
        """Return ``action`` as the wrapped environment takes it, as ``step`` would; ``params`` are its own."""
        space = self.env.action_space(params)
        return space.nearest(space.cast(action, f"{self.env.name}'s action"))

    def split_key(self, key: Array, state: Any, action: Any, params: Any) -> tuple[Array, Array]:
        """Return a key for ``inner_advance`` and one for this wrapper's own draws.

        The key is split only if the wrapped environment's step draws from it: else both are ``key`` itself.

        Args:
            key: the key of the step.
            state: the wrapper's state.
            action: an action of the wrapped environment.
            params: the wrapper's params.
        """
        if not self.inner_reads_key(key, state, action, params):
            return key, key
        key_inner, key_own = random.split(key)
        return key_inner, key_own

    # -- the protocol, forwarded -------------------------------------------------------------------------------

    @property
    def default_params(self) -> Any:
        return self.env.default_params

    @property
    def params_template(self) -> Any:
        return self.env.params_template

    def init(self, key: Array, params: Any) -> Any:
        return self.inner_init(key, params)

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.inner_advance(key, state, action, params)

    def advance(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        return self.transition(key, state, action, params)

    def observe(self, state: Any, params: Any) -> Any:
        return self.inner_observation(self.inner_state(state), params)

    def action_space(self, params: Any) -> spaces.Space:
        return self.env.action_space(self.inner_params(params))

    def observation_space(self, params: Any) -> spaces.Space:
        return self.env.observation_space(self.inner_params(params))

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return self.env.carry_over(self.inner_state(fresh), self.inner_state(ended), self.inner_params(params))

    def render(self, state: Any, params: Any, size: int | tuple[int, int] = 256) -> Array:
        return self.env.render(self.inner_state(state), self.inner_params(params), size)

    def _without_overrides(self, **changes: Any) -> Self:
        return super()._without_overrides(env=self.env.without_overrides, **changes)

    def report(self, info: dict[str, Any]) -> dict[str, Any]:
        return self.env.report(info)

    def lane_axes(self, state: Any, axis_name: str) -> Any:
        return self.env.lane_axes(self.inner_state(state), axis_name)

    def accepts(self, params: Any) -> bool:
        return self.env.accepts(params)

    def lift(self, params: Any) -> Any:
        return self.env.lift(params)

    def with_leaves(self, leaves: Mapping[tuple[str, ...], Any]) -> Self:
        return dataclasses.replace(self, env=self.env.with_leaves(leaves))

    def replace(self, **changes: Any) -> Self:
        own = {field.name for field in dataclasses.fields(self)}
        inner = {name: value for name, value in changes.items() if name not in own and self._inner_field(name)}
        env = dataclasses.replace(self, env=self.env.replace(**inner)) if inner else self
        return super(Wrapper, env).replace(**{name: value for name, value in changes.items() if name not in inner})

    def _inner_field(self, name: str) -> bool:
        """Whether an environment beneath has a field of this name."""
        layer: Any = self.env
        while name not in {field.name for field in dataclasses.fields(layer)}:
            if layer is layer.unwrapped:
                return False
            layer = layer.env
        return True

    @property
    def differentiable(self) -> bool:
        return self.env.differentiable

    @property
    def name(self) -> str:
        return self.env.name

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        return self.env.unwrapped


@struct.dataclass
class WrapperState(Record):
    """The inner state, and beside it what a wrapper remembers."""

    env_state: Any
    """The state of the wrapped environment."""

    @property
    def time(self) -> Array:
        """Steps taken in this episode, int32[]: the inner state's."""
        return self.env_state.time


class StatefulWrapper(Wrapper):
    """A wrapper that remembers: its state is a :class:`WrapperState`.

    A subclass defines ``begin`` and ``transition``, and ``keep`` if its memory outlives episodes. The memory of a new episode is
    always made from the inner state that really begins it, after the inner ``carry_over``.
    """

    def begin(self, env_state: Any, params: Any) -> Any:
        """Return the state in which an episode begins from ``env_state``.

        Args:
            env_state: the state of the wrapped environment with which an episode begins.
            params: the parameters of this wrapper.
        """
        raise NotImplementedError(f"{type(self).__name__} must define begin(env_state, params)")

    def keep(self, begun: Any, ended: Any, params: Any) -> Any:
        """Return ``begun`` with what this wrapper keeps over the end of an episode.

        Args:
            begun: the state that ``begin`` returned for the next episode.
            ended: the last state of the episode that ended.
            params: the parameters of this wrapper.
        """
        del ended, params
        return begun

    def lane_axes(self, state: Any, axis_name: str) -> Any:
        own = jax.tree.map(lambda _: 0, state)
        return own.replace(env_state=self.env.lane_axes(state.env_state, axis_name))

    def inner_state(self, state: Any) -> Any:
        return state.env_state

    def init(self, key: Array, params: Any) -> Any:
        return self.begin(self.inner_init(key, params), params)

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        env_state = _canonical.strong(super().carry_over(fresh, ended, params))
        return self.keep(self.begin(env_state, params), ended, params)


class _KeepsReplace(RecordType):
    """Lets ``flax.struct.dataclass`` give its ``replace`` to no subclass of a class that defines one."""

    def __setattr__(cls, name: str, value: Any) -> None:  # noqa: N805 - a metaclass
        if name != "replace":
            super().__setattr__(name, value)


@struct.dataclass
class WrapperParams(Record, metaclass=_KeepsReplace):
    """The inner parameters, and beside them a wrapper's own.

    ``replace`` takes leaves of the inner parameters by name too, where the wrapper has none of that name.
    """

    env_params: Any
    """The parameters of the wrapped environment."""

    @property
    def max_steps_in_episode(self) -> Array:
        """Steps after which an episode is truncated, int32[]: the inner parameter."""
        return self.env_params.max_steps_in_episode

    def replace(self, **updates: Any) -> Self:
        """Return the parameters with other leaves, of this layer or of the nearest beneath that has them.

        Args:
            **updates: the new values, by name.
        """
        own = {field.name for field in dataclasses.fields(self)}
        inner = {name: value for name, value in updates.items() if name not in own}
        changes = {name: value for name, value in updates.items() if name in own}
        if inner:
            changes["env_params"] = changes.get("env_params", self.env_params).replace(**inner)
        return dataclasses.replace(self, **changes)


class ParametricWrapper(Wrapper):
    """A wrapper whose params are a :class:`WrapperParams`.

    A subclass defines ``default_params``; a field of its constructor is the default of the leaf of that name.
    """

    @property
    def params_template(self) -> Any:
        return self.default_params

    def inner_params(self, params: Any) -> Any:
        return params.env_params

    def accepts(self, params: Any) -> bool:
        return isinstance(params, type(self.params_template)) and self.env.accepts(params.env_params)

    def lift(self, params: Any) -> Any:
        if self.accepts(params):
            return params
        inner = self.env.lift(params)
        return self._given(None).replace(env_params=inner) if self.env.accepts(inner) else params

    def with_leaves(self, leaves: Mapping[tuple[str, ...], Any]) -> Self:
        inner = {path[1:]: value for path, value in leaves.items() if path[0] == "env_params" and path[1:]}
        own = {path: value for path, value in leaves.items() if path[1:] not in inner}
        env = dataclasses.replace(self, env=self.env.with_leaves(inner)) if inner else self
        return super(Wrapper, env).with_leaves(own) if own else env
