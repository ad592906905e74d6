"""What all spaces share: the contract, and the check that a value fits a leaf."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenv.errors import FrozenSpaceError, SpaceDefinitionError, SpaceMismatchError
from jaxenv.errors.wording import short

if TYPE_CHECKING:
    from jaxenv.spaces.box import Box

_KINDS = (("bool", np.bool_), ("integer", np.integer), ("float", np.floating))


class Space(abc.ABC):
    """A set of values of one structure, with shapes, dtypes and bounds."""

    shape: Any
    """The shape of a member; for ``Tuple`` and ``Dict``, a tuple or dict of the members' shapes."""
    dtype: Any
    """The dtype of a member (64-bit ones only where x64 is on); for ``Tuple`` and ``Dict``, a tuple or dict of them."""

    @abc.abstractmethod
    def sample(self, key: Array) -> Any:
        """Draw a member: uniform between bounds, exponential above or below a single bound, normal without bounds.

        One call of the generator for each leaf; ``key`` may be typed or raw.

        Args:
            key: a typed or raw key.

        Returns:
            A member, in the dtypes of the space.
        """

    @abc.abstractmethod
    def contains(self, x: Any) -> Array:
        """Return whether ``x`` is a member, by its structure, shape, kind of dtype (bool, integer, float) and values.

        An integer of another width is a member if its value is; NaN never is. Python numbers and lists have no dtype, so there an
        integer is a float too. Works under ``jit`` and ``vmap``.

        Args:
            x: any value.
        """

    @abc.abstractmethod
    def cast(self, x: Any, what: str = "the value") -> Any:
        """Return ``x`` as arrays of this space's dtypes, never weakly typed. Bounds are not checked.

        Integers of any width fit an integer space. A bool or an integer fits any kind that holds it (bool, integer, float in this
        order).

        Args:
            x: the value.
            what: the name of the value, for the message of the error.

        Raises:
            SpaceMismatchError: the structure, a shape or the kind of a dtype does not fit.
        """

    def fitted(self, x: Any) -> Any:
        """Return ``x`` with the shape or the kind of a member where size and values agree, and unchanged elsewhere.

        One component may be given as a number or as an array of any shape, and a choice as a whole float whose value is known.

        Args:
            x: the value.
        """
        return x

    def nearest(self, x: Any) -> Any:
        """Return the choice nearest to ``x``. Values that are no choices stay as they are.

        Args:
            x: a value that ``cast`` returned.
        """
        return x

    @abc.abstractmethod
    def batch(self, n: int) -> Space:
        """Return the space of ``n`` members stacked along a new first axis, as ``gymnasium.vector.utils.batch_space``.

        Args:
            n: the length of the new axis.
        """

    @abc.abstractmethod
    def flatten(self, x: Any) -> Array:
        """Return member ``x`` as one vector: choices one-hot, arrays in row-major order, parts one after another.

        Args:
            x: a member.
        """

    @abc.abstractmethod
    def unflatten(self, v: Array) -> Any:
        """Return the member whose ``flatten`` is ``v``.

        Args:
            v: a vector of length ``flat_size()``.
        """

    @abc.abstractmethod
    def flat_space(self) -> Box:
        """Return the one-dimensional Box that every ``flatten(x)`` belongs to."""

    @abc.abstractmethod
    def flat_size(self) -> int:
        """Return the length of ``flatten(x)``."""

    @abc.abstractmethod
    def _identity(self) -> tuple[Any, ...]:
        """Return what makes two spaces of this class equal: hashable values."""

    def _set(self, **fields: Any) -> None:
        """Set the fields of a new space, once."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise FrozenSpaceError(self, name)

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenSpaceError(self, name)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return self._identity() == other._identity()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __contains__(self, x: Any) -> bool:
        return bool(self.contains(x))


def flatdim(space: Space) -> int:
    """Compute the length of a flattened member: choices of a Discrete space, components of a Box, sums of parts.

    Args:
        space: the space.

    Returns:
        The length of ``space.flatten(x)``.
    """
    return space.flat_size()


def flatten_space(space: Space) -> Box:
    """Make the space of flattened members.

    Args:
        space: the space.

    Returns:
        The one-dimensional Box that every ``space.flatten(x)`` belongs to.
    """
    return space.flat_space()


def canonical_dtype(dtype: Any, owner: str, *kinds: str) -> np.dtype[Any]:
    """Return ``dtype`` as JAX will store it (64 bits only where x64 is on), if its kind is one of ``kinds``."""
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise SpaceDefinitionError(
            f"{owner} got the dtype {short(dtype)}, which is not one. Pass a dtype such as jnp.float32."
        ) from None
    if kind(result) not in kinds:
        raise SpaceDefinitionError(
            f"{owner} got the dtype {result}, but it needs a dtype of kind {' or '.join(kinds)}. Choose one."
        )
    if kind(result) == "integer" and result.kind not in "iu":
        raise SpaceDefinitionError(f"{owner} got the dtype {result}, which NumPy has no integers of. Choose int8 or a wider one.")
    return np.dtype(jax.dtypes.canonicalize_dtype(result))


def kind(dtype: Any) -> str:
    """Return "bool", "integer" or "float", and the dtype's own name for anything else."""
    for name, parent in _KINDS:
        if jnp.issubdtype(dtype, parent):
            return name
    return str(dtype)


def fits(given: str, wanted: str) -> bool:
    """Whether every value of kind ``given`` is a value of kind ``wanted``."""
    order = [name for name, _ in _KINDS]
    return given in order and wanted in order and order.index(given) <= order.index(wanted)


def as_array(x: Any) -> Any:
    """Return ``x`` as a numpy or JAX array without changing its width, or None if it isn't one; a key becomes its words."""
    if not hasattr(x, "dtype"):
        try:
            array = np.asarray(x)
        except TypeError:  # a list that holds traced values
            array = jnp.asarray(x)
        except ValueError:  # a ragged list
            return None
        return None if array.dtype == object else array
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x


def leaf_contains(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any], low: Any, high: Any) -> Array:
    """Tell whether array ``x`` has this shape and kind and lies within the bounds, bool[]."""
    array = as_array(x)
    if array is None or array.shape != shape:
        return jnp.asarray(False)
    given, wanted = kind(array.dtype), kind(dtype)
    if given != wanted and not (fits(given, wanted) and not hasattr(x, "dtype")):
        return jnp.asarray(False)
    with np.errstate(over="ignore"):
        value = array.astype(dtype)
    inside = (value >= low) & (value <= high)
    if given == wanted == "integer" and array.dtype != dtype:
        # A wider integer may have wrapped around on its way to this dtype.
        inside = inside & (value.astype(array.dtype) == array) & ((value < 0) == (array < 0))
    return jnp.all(jnp.asarray(inside))


def leaf_cast(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str, space: Space) -> Array:
    """Return ``x`` as a strongly typed array of this shape and dtype."""
    array = as_array(x)
    if array is None:
        raise SpaceMismatchError(what, f"a {type(x).__name__}", space, "Pass an array or a number.")
    given = f"{array.dtype}[{','.join(map(str, array.shape))}]"
    if array.shape != shape:
        advice = "For a batch of them, use jax.vmap." if array.shape[1:] == shape else "Reshape it, or change the space."
        raise SpaceMismatchError(what, given, space, advice)
    if not fits(kind(array.dtype), kind(dtype)):
        raise SpaceMismatchError(what, given, space, f"Convert it with .astype(jnp.{dtype}) if that is what you mean.")
    return lax.convert_element_type(array, dtype)
