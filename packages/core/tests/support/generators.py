"""The kinds of keys that ``jaxenv.random`` is tested with, made from a seed."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jax import Array
from jaxenv import random

GENERATORS: dict[str, Callable[[int], Array]] = {
    "jaxenv": random.key,
    "threefry": jax.random.key,
    "raw threefry": jax.random.PRNGKey,
    "rbg": lambda seed: jax.random.key(seed, impl="rbg"),
}
if jax.__version_info__ >= (0, 10, 2):
    GENERATORS["philox"] = lambda seed: jax.random.key(seed, impl="philox4x32")
