"""Loading: one id, an experiment as one batch, or any ids as the fewest batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
from jaxenv import Environment
from jaxenv.errors import JaxenvError

from jaxenv_bsuite.sweep import EXPERIMENTS, SETTINGS, UnknownIdError, select


class Batch(NamedTuple):
    """Ids with one environment, whose params are stacked: what one ``vmap`` can run."""

    ids: tuple[str, ...]
    """bsuite's ids, in order."""
    env: Environment[Any, Any]
    """The environment of them all."""
    params: Any
    """Their params: each leaf has a leading axis with one entry for each id, but those that ``axes`` marks None."""
    axes: Any
    """What ``vmap`` wants as ``in_axes`` for ``params``: 0, or None for an array that all ids share, as the images of mnist."""
    each: tuple[Any, ...]
    """The params of each id by itself, as ``make`` gives them."""


class SeveralShapesError(JaxenvError, ValueError):
    """An experiment cannot be stacked whole."""

    def __init__(self, experiment: str, cause: str) -> None:
        super().__init__(f"{experiment} is not one environment with stacked params: {cause}. Use load_batches([{experiment!r}]).")


def load_from_id(bsuite_id: str, **overrides: Any) -> tuple[Environment[Any, Any], Any]:
    """Load one of bsuite's ids: ``jaxenv.make`` with bsuite's own name for it.

    Args:
        bsuite_id: the id, such as ``"catch/0"``.
        **overrides: further arguments of ``jaxenv.make``.

    Returns:
        ``(env, params)``.

    Raises:
        UnknownIdError: there is no such id.

    >>> import jaxenv_bsuite
    >>> env, params = jaxenv_bsuite.load_from_id("catch/0")
    >>> env
    Catch(rows=10, columns=5)
    """
    if bsuite_id not in SETTINGS:
        raise UnknownIdError(bsuite_id)
    return jaxenv.make(f"bsuite/{bsuite_id}", **overrides)


def load_experiment(name: str, **overrides: Any) -> tuple[Environment[Any, Any], Any]:
    """Load an experiment: its environment, and the params of all of its ids, stacked along a leading axis.

    Args:
        name: the name of the experiment, such as ``"cartpole_swingup"``.
        **overrides: further arguments of ``jaxenv.make``.

    Returns:
        ``(env, params)``; leaves of ``params`` have a leading axis with one entry for each id.

    Raises:
        SeveralShapesError: the ids have observations of several shapes (deep_sea, memory_size, umbrella_distract), or share
            arrays that are too large to be copied for each (mnist).
        UnknownIdError: there is no such experiment.

    >>> import jax, jaxenv_bsuite
    >>> env, params = jaxenv_bsuite.load_experiment("cartpole_swingup")
    >>> obs, state = jax.vmap(env.reset, in_axes=(None, 0))(jax.random.key(0), params)
    >>> obs.shape
    (20, 1, 8)
    """
    if name not in EXPERIMENTS:
        raise UnknownIdError(name)
    batches = load_batches([name], **overrides)
    if len(batches) > 1:
        raise SeveralShapesError(name, f"its ids have {len(batches)} different shapes")
    if None in jax.tree.leaves(batches[0].axes, is_leaf=lambda axis: axis is None):
        raise SeveralShapesError(name, "its ids share arrays too large to be copied for each")
    return batches[0].env, batches[0].params


def load_batches(names: Iterable[str], **overrides: Any) -> list[Batch]:
    """Load ids, experiments and tags as the fewest batches, each of one experiment and one environment.

    Args:
        names: ids (``"catch/0"``), experiments (``"catch"``), tags (``"memory"``), ``"testing"`` or ``"all"``.
        **overrides: further arguments of ``jaxenv.make``, for all of them.

    Returns:
        The batches, in bsuite's order.

    Raises:
        UnknownIdError: a name is none of bsuite's ids, experiments and tags.

    >>> import jaxenv_bsuite
    >>> [len(batch.ids) for batch in jaxenv_bsuite.load_batches(["catch", "deep_sea/0", "deep_sea/1"])]
    [20, 1, 1]
    """
    groups: dict[tuple[str, Environment[Any, Any]], list[tuple[str, Environment[Any, Any], Any]]] = {}
    for bsuite_id in select(names):
        env, params = load_from_id(bsuite_id, **overrides)
        # Ids of one experiment often differ in their params alone, which their environments keep as overrides.
        groups.setdefault((bsuite_id.partition("/")[0], env.without_overrides), []).append((bsuite_id, env, params))
    return [_batch(env, members) for (_, env), members in groups.items()]


def _batch(bare: Environment[Any, Any], members: list[tuple[str, Environment[Any, Any], Any]]) -> Batch:
    ids, environments, params = zip(*members, strict=True)
    env = environments[0] if len(set(environments)) == 1 else bare

    def axis(*leaves: Any) -> int | None:
        return None if jnp.ndim(leaves[0]) and all(leaf is leaves[0] for leaf in leaves[1:]) and len(leaves) > 1 else 0

    def stack(*leaves: Any) -> Any:
        return leaves[0] if axis(*leaves) is None else jnp.stack([jnp.asarray(leaf) for leaf in leaves])

    return Batch(ids, env, jax.tree.map(stack, *params), jax.tree.map(axis, *params), params)
