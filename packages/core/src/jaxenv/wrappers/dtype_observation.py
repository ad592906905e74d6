"""Observations in another dtype."""

from __future__ import annotations

from typing import Any

import jax

from jaxenv import spaces
from jaxenv.errors import SpaceDefinitionError
from jaxenv.spaces.base import canonical_dtype, fits, kind
from jaxenv.wrappers.base import Wrapper


class DtypeObservation(Wrapper):
    """Convert every array of the observation to ``dtype``, which must be of the same kind or a wider one (bool, integer, float).

    Choices that become floats are a ``Box`` of them.

    >>> env = DtypeObservation(env, jnp.bfloat16)
    """

    dtype: Any
    """The dtype of the observation."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", canonical_dtype(self.dtype, "DtypeObservation", "bool", "integer", "float"))
        super().__post_init__()
        space = self.env.observation_space(self.env.default_params)
        try:
            self.observation_space(self.default_params)
        except SpaceDefinitionError as error:
            self.refuse("observation", space, f"observations that {self.dtype} can hold", str(error))
        kinds = [kind(dtype) for dtype in jax.tree.leaves(space.dtype)]
        if not all(fits(given, kind(self.dtype)) for given in kinds):
            advice = "Round in TransformObservation, or choose another dtype."
            self.refuse("observation", space, f"observations that {self.dtype} can hold", advice)

    def observe(self, state: Any, params: Any) -> Any:
        return self.observation_space(params).cast(super().observe(state, params))

    def observation_space(self, params: Any) -> spaces.Space:
        return _converted(super().observation_space(params), self.dtype)


def _converted(space: spaces.Space, dtype: Any) -> spaces.Space:
    match space:
        case spaces.Tuple():
            return spaces.Tuple(_converted(part, dtype) for part in space)
        case spaces.Dict():
            return spaces.Dict({name: _converted(part, dtype) for name, part in space.items()})
        case spaces.Discrete() if kind(dtype) == "integer":
            return spaces.Discrete(space.n, space.start, dtype)
        case spaces.Discrete():
            return spaces.Box(space.start, space.start + space.n - 1, (), dtype)
        case spaces.MultiDiscrete() if kind(dtype) == "integer":
            return spaces.MultiDiscrete(space.nvec, dtype)
        case spaces.MultiDiscrete():
            return spaces.Box(0, space.nvec - 1, space.shape, dtype)
        case _:
            box: Any = space
            return box.astype(dtype)
