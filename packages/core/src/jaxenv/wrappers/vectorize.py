"""Many environments as one batch."""

from __future__ import annotations

import dataclasses
from functools import cached_property, partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical, checking, environment, random, spaces
from jaxenv._jax_compat import is_traced
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Environment
from jaxenv.errors import ParamsTypeError, WrappedTypeError, WrapperSettingError
from jaxenv.errors.wording import short


@dataclasses.dataclass(frozen=True)
class Vectorize:
    """A batch of ``num_envs`` copies of one environment, reset and stepped together with one key.

    Environment ``i`` does what it does alone with the key ``jaxenv.random.split(key, num_envs)[i]``, in ``reset`` as in ``step``.
    It ends and resets by itself, so ``done`` is bool[num_envs]. All results, ``info`` included, have a new first axis of length
    ``num_envs``, except statistics that the batch shares.

    ``params`` are shared by all environments. A leaf with one more axis, of length ``num_envs``, holds a value for each of them:
    ``params.replace(gravity=jnp.linspace(5.0, 15.0, num_envs))``.

    ``axis_name`` is the name of the mapped axis. A ``NormalizeObservation`` or ``NormalizeReward`` with this name counts all
    environments together, and its statistics are stored once for the batch. Without it, each environment keeps its own.

    ``restart`` begins the next episode in chosen environments, and keeps what carries over.

    Vectorize goes outermost: it is not an ``Environment``, so no wrapper goes around it.

    >>> batch = Vectorize(NormalizeObservation(env, axis_name="envs"), 8)
    >>> obs, state = batch.reset(jax.random.key(0))
    >>> action = batch.action_space().sample(jax.random.key(1))
    >>> obs, state, reward, done, info = batch.step(jax.random.key(2), state, action)
    >>> done.shape
    (8,)
    """

    env: Environment[Any, Any]
    """The environment, wrappers included."""
    num_envs: int
    """The number of environments, at least 1."""
    axis_name: str = "envs"
    """The name of the mapped axis."""

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.env, Environment):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise WrappedTypeError("Vectorize", self.env)
        object.__setattr__(self, "num_envs", whole(self.num_envs))
        if not is_size(self.num_envs):
            raise WrapperSettingError(f"Vectorize got num_envs = {short(self.num_envs)}. Pass an integer of at least 1.")

    def reset(self, key: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin an episode in every environment of the batch.

        Args:
            key: one key for the batch, typed or raw.
            params: the parameters, shared or with leaves ``[num_envs, ...]``; ``None`` means ``default_params``.

        Returns:
            ``(obs, state)``, with a leading axis ``[num_envs]``.
        """
        return checking.run(_reset, self._shared, key, self._given(params))

    def restart(self, key: Array, state: Any, chosen: Array, params: Any = None) -> tuple[Any, Any]:
        """Begin the next episode in chosen environments, and leave the others unchanged.

        What carries over is kept, as in ``step``: running statistics, bsuite's counters, and other results of ``carry_over``.

        Args:
            key: one key for the batch, never used before.
            state: the states of the batch.
            chosen: which environments begin their next episode, bool[num_envs].
            params: the parameters, shared or with leaves ``[num_envs, ...]``; ``None`` means ``default_params``.

        Returns:
            ``(obs, state)`` of all environments.

        Raises:
            WrapperSettingError: ``chosen`` is not one bool for each environment.

        >>> obs, state = batch.restart(key, state, state.time > 100)
        """
        shape = jnp.shape(chosen)
        if shape != (self.num_envs,) or jnp.result_type(chosen) != jnp.bool_:
            raise WrapperSettingError(
                f"Vectorize.restart got chosen = {short(chosen)} of shape {shape}. "
                f"Pass a bool for each lane: an array bool[{self.num_envs}]."
            )
        return _restart(self._shared, key, state, jnp.asarray(chosen), self._given(params))

    def step(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Array, Array, dict[str, Any]]:
        """Step every environment of the batch, and begin the next episode in those that are done.

        Args:
            key: one key for the batch, never used before.
            state: the states of the last step or of ``reset``.
            action: the actions, with a leading axis ``[num_envs]``.
            params: the parameters, shared or with leaves ``[num_envs, ...]``; ``None`` means ``default_params``.

        Returns:
            ``(obs, state, reward, done, info)``, with a leading axis ``[num_envs]``: reward float32, done bool.
        """
        return checking.run(_step, self._shared, key, state, action, self._given(params))

    def step_env(self, key: Array, state: Any, action: Any, params: Any = None) -> tuple[Any, Any, Array, Array, dict[str, Any]]:
        """Take the step that ``step`` takes with the same key, without the resets.

        Args:
            key: one key for the batch, never used before.
            state: the states of the last step or of ``reset``.
            action: the actions, with a leading axis ``[num_envs]``.
            params: the parameters, shared or with leaves ``[num_envs, ...]``; ``None`` means ``default_params``.

        Returns:
            ``(obs, state, reward, done, info)``, as ``step`` returns them.
        """
        return checking.run(_step_env, self._shared, key, state, action, self._given(params))

    def render(self, state: Any, params: Any = None, size: int | tuple[int, int] = 256) -> Array:
        """Draw every environment of the batch.

        Args:
            state: the states of the batch.
            params: the parameters; ``None`` means ``default_params``.
            size: height and width of a picture in pixels, or one number for both.

        Returns:
            The pictures, uint8[num_envs, H, W, 3].
        """
        params = self._given(params)
        axes = self.env.lane_axes(state, self.axis_name), self._params_axes(params)
        return jax.vmap(lambda lane, params: self.env.render(lane, params, size), in_axes=axes, axis_name=self.axis_name)(
            state, params
        )

    @property
    def default_params(self) -> Any:
        """The parameters of the published task, shared by all lanes."""
        return self.env.default_params

    def action_space(self, params: Any = None) -> spaces.Space:
        """Return the space of a batch of actions.

        Args:
            params: the parameters; ``None`` means ``default_params``. Bounds differ between environments where params do.
        """
        return self._space("action_space", self._given(params))

    def observation_space(self, params: Any = None) -> spaces.Space:
        """Return the space of a batch of observations.

        Args:
            params: the parameters; ``None`` means ``default_params``. Bounds differ between environments where params do.
        """
        return self._space("observation_space", self._given(params))

    def state_space(self, params: Any = None) -> spaces.Dict:
        """Return the space of the batch of states, field by field.

        Args:
            params: the parameters; ``None`` means ``default_params``.
        """
        key = jax.eval_shape(lambda: jax.random.key(0))
        return spaces.of_structure(jax.eval_shape(lambda k, p: _reset(self, k, p)[1], key, self._given(params)))

    @property
    def name(self) -> str:
        """The name of the environment's class."""
        return self.env.name

    @property
    def num_actions(self) -> int:
        """The width of a policy's output layer, for one environment of the batch."""
        return self.env.num_actions

    @property
    def unwrapped(self) -> Environment[Any, Any]:
        """The environment beneath all wrappers."""
        return self.env.unwrapped

    @cached_property
    def _shared(self) -> Vectorize:
        """The batch that compilations are shared by; see ``Environment.without_overrides``."""
        bare = self.env.without_overrides
        return self if bare is self.env else dataclasses.replace(self, env=bare)

    def _given(self, params: Any) -> Any:
        return self.env.lift(self.env._given(params))

    def _params_axes(self, params: Any) -> Any:
        """Return for each leaf of ``params`` its axis of lanes, or None where all lanes share one value."""
        template = self.env.params_template
        if not isinstance(params, type(template)):
            raise ParamsTypeError(self.name, params, template)
        found, structure = jax.tree.flatten_with_path(params, is_leaf=lambda x: x is None)
        leaves: list[tuple[Any, Any]] = found
        single = [jnp.ndim(x) if x is not None else None for x in jax.tree.leaves(template, is_leaf=lambda x: x is None)]
        if len(single) != len(leaves):
            return None
        axes: list[int | None] = []
        for (path, leaf), ndim in zip(leaves, single, strict=True):
            stacked = leaf is not None and ndim is not None and jnp.ndim(leaf) == ndim + 1
            shape = np.shape(cast("Any", leaf))
            if stacked and shape[0] != self.num_envs:
                raise WrapperSettingError(
                    f"Vectorize has {self.num_envs} lanes, but params{jax.tree_util.keystr(path)} has the shape {shape}. "
                    f"Pass one value for all lanes, or {self.num_envs} of them along a first axis."
                )
            axes.append(0 if stacked else None)
        return None if not any(axis == 0 for axis in axes) else jax.tree.unflatten(structure, axes)

    def _space(self, role: str, params: Any) -> spaces.Space:
        """Return the space of a batch, with the bounds of each lane where params differ between lanes."""
        axes = self._params_axes(params)
        if axes is None:
            return getattr(self.env, role)(params).batch(self.num_envs)
        seen: list[spaces.Space] = []

        def bounds(params: Any) -> Any:
            seen.append(getattr(self.env, role)(params))
            return _bounds(seen[-1])

        each = jax.vmap(bounds, in_axes=(axes,))(params)
        return _with_bounds(seen[-1], each, self.num_envs)

    def _shares(self) -> bool:
        """Whether a wrapper may share values between the lanes."""
        layer: Any = self.env
        while layer is not layer.unwrapped:
            if getattr(layer, "axis_name", None) == self.axis_name:
                return True
            layer = layer.env
        return False


def _bounds(space: spaces.Space) -> Any:
    """Return the bounds of the Boxes in a space."""
    match space:
        case spaces.Box():
            return jnp.asarray(space.low), jnp.asarray(space.high)
        case spaces.Tuple():
            return tuple(_bounds(part) for part in space)
        case spaces.Dict():
            return {name: _bounds(part) for name, part in space.items()}
        case _:
            return ()


def _with_bounds(space: Any, bounds: Any, n: int) -> Any:
    """Return the batch of a space whose Boxes have other bounds in each lane."""
    match space:
        case spaces.Box():
            low, high = (bound if is_traced(bound) else np.asarray(bound) for bound in bounds)
            shape = (n, *space.shape)
            return spaces.Box(low, high, shape, space.dtype)._knowing(*(np.broadcast_to(known, shape) for known in space.known))
        case spaces.Tuple():
            return spaces.Tuple(_with_bounds(part, bound, n) for part, bound in zip(space, bounds, strict=True))
        case spaces.Dict():
            return spaces.Dict({name: _with_bounds(part, bounds[name], n) for name, part in space.items()})
        case _:
            return space.batch(n)


@partial(jax.jit, static_argnums=(0, 3))
def _reset(batch: Vectorize, key: Array, params: Any, check: bool = False) -> Any:
    del check  # each lane's own reset knows; here it makes the compilation another one
    keys = random.split(_canonical.key(key, _HOW), batch.num_envs)
    axes: Any = 0
    reset = partial(jax.vmap, batch.env.reset, in_axes=(0, batch._params_axes(params)), axis_name=batch.axis_name)
    if batch._shares():
        axes = batch.env.lane_axes(jax.eval_shape(reset(), keys, params)[1], batch.axis_name)
    return reset(out_axes=(0, axes))(keys, params)


@partial(jax.jit, static_argnums=(0, 5))
def _step(batch: Vectorize, key: Array, state: Any, action: Any, params: Any, check: bool = False) -> Any:
    del check
    return _lanes(batch, batch.env.step, key, state, action, params)


@partial(jax.jit, static_argnums=(0, 5))
def _step_env(batch: Vectorize, key: Array, state: Any, action: Any, params: Any, check: bool = False) -> Any:
    del check
    return _lanes(batch, batch.env.step_env, key, state, action, params)


@partial(jax.jit, static_argnums=0)
def _restart(batch: Vectorize, key: Array, state: Any, chosen: Array, params: Any) -> Any:
    axes = _state_axes(batch, state)

    def lane(key: Array, state: Any, chosen: Array, params: Any) -> Any:
        begun = batch.env.restart(key, state, params)
        now = environment._observation(batch.env, state, _canonical.params(params, batch.env.params_template, batch.env.name))
        obs = _canonical.select(chosen, begun[0], now)

        def either(axis: int | None, new: Any, old: Any) -> Any:
            return old if axis is None else _canonical.select(chosen, new, old)

        if isinstance(axes, int):
            return obs, either(0, begun[1], state)
        return obs, jax.tree.map(either, axes, begun[1], state, is_leaf=lambda x: x is None)

    keys = random.split(_canonical.key(key, _HOW), batch.num_envs)
    in_axes = (0, axes, 0, batch._params_axes(params))
    return jax.vmap(lane, in_axes=in_axes, out_axes=(0, axes), axis_name=batch.axis_name)(keys, state, chosen, params)


_HOW = "jax.vmap(batch.step)(keys, states, actions), each of which is a batch's; one key serves all lanes"


def _state_axes(batch: Vectorize, state: Any) -> Any:
    """Return the axes of lanes of a batch's state."""
    return batch.env.lane_axes(state, batch.axis_name) if batch._shares() else 0


def _lanes(batch: Vectorize, step: Any, key: Array, state: Any, action: Any, params: Any) -> Any:
    space = batch._space("action_space", params)
    action = space.cast(space.fitted(action), f"the batch of {batch.env.name}'s actions")
    keys = random.split(_canonical.key(key, _HOW), batch.num_envs)
    axes = _state_axes(batch, state)
    in_axes, out_axes = (0, axes, 0, batch._params_axes(params)), (0, axes, 0, 0, 0)
    return jax.vmap(step, in_axes=in_axes, out_axes=out_axes, axis_name=batch.axis_name)(keys, state, action, params)
