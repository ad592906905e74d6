"""What the text of an expression has in common in C and in JavaScript: the order of its operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def selection(x: Sequence[str], which: np.dtype[Any], choose: Callable[[str, str, str], str]) -> str:
    """Return the expression of ``select_n``.

    Args:
        x: the selector and the cases, as expressions.
        which: dtype of the selector, a flag or the number of a case.
        choose: from a condition, a case where it holds and one where it doesn't to their expression.
    """
    selector, *cases = x
    if which.kind == "b":
        return choose(selector, cases[1], cases[0])
    text = cases[-1]
    for number, case in reversed(list(enumerate(cases[:-1]))):
        text = choose(f"{selector} <= {number}", case, text)
    return text


def power(x: str, exponent: int, multiply: Callable[[str, str], str]) -> str:
    """Return products in the order in which JAX makes them of ``integer_pow``; an empty text for the exponent 0.

    Args:
        x: an expression.
        exponent: at least 0.
        multiply: from two expressions to their product's.
    """
    product, factor = "", x
    while exponent:
        if exponent & 1:
            product = multiply(product, factor) if product else factor
        exponent >>= 1
        if exponent:
            factor = multiply(factor, factor)
    return product
