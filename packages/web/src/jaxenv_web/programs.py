"""What a page computes, as programs on scalars: resets, steps, observations, random actions and keys of an environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv.engine.scalar import ScalarProgram, UnsupportedError, scalarize

from jaxenv_web import javascript
from jaxenv_web.errors import NotWritableError

SHORTEST_ROW = 5
"""Elements of a row from which an operation on it is a loop."""


@dataclass(frozen=True)
class Programs:
    """The functions of an environment that a page needs.

    Args:
        env: the environment.
        params: its parameters; pages let them be changed.
        generator: makes the key of a seed, such as :func:`jaxenv.random.key` or ``jax.random.key``.
    """

    env: Any
    params: Any
    generator: Callable[[Any], Any] = jaxenv.random.key

    @cached_property
    def shapes(self) -> dict[str, Any]:
        """Shapes and dtypes of ``key``, ``params``, ``obs``, ``state`` and ``action``."""
        params = jax.tree.map(jnp.asarray, self.params)
        key = jax.eval_shape(self.generator, jax.ShapeDtypeStruct((), jnp.uint32))
        obs, state = jax.eval_shape(lambda key: self.env.reset(key, params), key)
        action = jax.eval_shape(lambda key: self.env.action_space(params).sample(key), key)
        return {"key": key, "params": jax.eval_shape(lambda: params), "obs": obs, "state": state, "action": action}

    def program(
        self, what: str, function: Callable[..., Any], names: str, results: str, *, shortest_row: int = SHORTEST_ROW, **more: Any
    ) -> ScalarProgram:
        """Return the program of a function.

        Args:
            what: what the function does, for messages.
            function: from the arguments that are named to a tuple of what the results are called.
            names: names of its arguments, separated by spaces; each is in :attr:`shapes` or in ``more``.
            results: names of its results, separated by spaces.
            shortest_row: elements of a row from which an operation on it is a loop.
            more: shapes of other arguments.

        Raises:
            NotWritableError: the function can't be taken apart into operations on numbers.
        """
        shapes = self.shapes | more
        args = [shapes[name] for name in names.split()]
        try:
            return scalarize(function, *args, names=names.split(), results=results.split(), shortest_row=shortest_row)[0]
        except UnsupportedError as error:
            raise NotWritableError(self.env.name, what, str(error)) from error

    @cached_property
    def seed(self) -> ScalarProgram:
        """From ``seed``, uint32[], to ``key``."""
        return self.program("the key", lambda n: (self.generator(n),), "n", "key", n=jax.ShapeDtypeStruct((), jnp.uint32))

    @cached_property
    def split(self) -> ScalarProgram:
        """From a key to two, as ``jax.random.split`` makes them."""
        return self.program("the key", lambda key: tuple(jax.random.split(key)), "key", "first second")

    @cached_property
    def reset(self) -> ScalarProgram:
        """From ``key`` and ``params`` to the first state of an episode."""
        return self.program("the reset", lambda key, params: (self.env.reset(key, params)[1],), "key params", "state")

    @cached_property
    def step(self) -> ScalarProgram:
        """From ``key``, ``state``, ``action`` and ``params`` to ``state``, ``reward``, ``terminated`` and ``truncated``.

        The state is the first of the next episode where the step ended one.
        """

        def step(key: Any, state: Any, action: Any, params: Any) -> Any:
            _, state, reward, _, info = self.env.step(key, state, action, params)
            return state, reward, info["terminated"], info["truncated"]

        return self.program("the step", step, "key state action params", "state reward terminated truncated")

    @cached_property
    def observe(self) -> ScalarProgram:
        """From ``state`` and ``params`` to the observation, which is a function of them."""

        def observe(state: Any, params: Any) -> Any:
            return (self.env.observation_space(params).cast(self.env.observe(state, params), f"{self.env.name}'s observation"),)

        return self.program("the observation", observe, "state params", "obs")

    @cached_property
    def sample(self) -> ScalarProgram:
        """From ``key`` to an action that is drawn from the action space."""
        space = self.env.action_space(jax.tree.map(np.asarray, self.params))
        return self.program("random actions", lambda key: (space.sample(key),), "key", "action")

    def cast(self, action: Any) -> Any:
        """Return an action in the dtype of the action space."""
        return self.env.action_space(jax.tree.map(np.asarray, self.params)).cast(action, "the agent's action")

    def functions(self) -> tuple[list[str], javascript.Tables]:
        """Return the JavaScript functions of all programs, and the constant arrays that they read.

        Raises:
            NotWritableError: a program can't be written as JavaScript.
        """
        tables = javascript.Tables()
        texts = [
            self.written("seedKey", self.seed, {"n": "n"}, tables),
            self.written("splitKey", self.split, {"key": "key"}, tables),
            self.written("reset", self.reset, {"key": "key", "params": "p"}, tables),
            self.written("step", self.step, {"key": "key", "state": "s", "action": "action", "params": "p"}, tables),
            self.written("observe", self.observe, {"state": "s", "params": "p"}, tables),
            self.written("sample", self.sample, {"key": "key"}, tables),
        ]
        return texts, tables

    def written(self, name: str, program: ScalarProgram, variables: Mapping[str, str], tables: javascript.Tables) -> str:
        """Return a program as a JavaScript function."""
        try:
            return javascript.function(name, program, variables, tables)
        except UnsupportedError as error:
            raise NotWritableError(self.env.name, f"the function {name}", str(error)) from error

    def source(self) -> str:
        """Return the JavaScript of the environment: constant arrays and functions, without the arithmetic that they need."""
        texts, tables = self.functions()
        return "\n".join([*tables.lines, *texts])


def flat(tree: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a tree by their paths, such as ``inner.x``; keys as their words, floats as float32."""
    found: dict[str, np.ndarray] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        array = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
        narrow = array.astype(np.float32) if array.dtype.kind == "f" else array
        found[javascript.property_of("x" + jax.tree_util.keystr(path))[1]] = narrow
    return found


def values(tree: Any) -> Any:
    """Return a tree of arrays as a page holds it, in JSON's terms: a number, a flag, a flat list, or a dict of those by path."""
    found = {path: x.reshape(-1).tolist() if x.shape else x.item() for path, x in flat(tree).items()}
    return found[""] if list(found) == [""] else found
