"""Bounds of observations that follow from several params: computed in Python where these are numbers, else in JAX."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

Number = Array | float
"""A param: a number, or an array of JAX, traced or not."""


def largest(*numbers: Number) -> Any:
    """Return the largest of the sizes of numbers."""
    return _reduced("maximum", [abs(number) for number in numbers])


def highest(*numbers: Number) -> Any:
    """Return the largest number."""
    return _reduced("maximum", list(numbers))


def lowest(*numbers: Number) -> Any:
    """Return the smallest number."""
    return _reduced("minimum", list(numbers))


def either(condition: Any, yes: Number, no: float) -> Any:
    """Return one of two numbers."""
    return jnp.where(condition, yes, no) if isinstance(condition, Array) or isinstance(yes, Array) else (yes if condition else no)


def _reduced(name: str, numbers: list[Any]) -> Any:
    function = getattr(jnp if any(isinstance(number, Array) for number in numbers) else np, name)
    result = numbers[0]
    for number in numbers[1:]:
        result = function(result, number)
    return result
