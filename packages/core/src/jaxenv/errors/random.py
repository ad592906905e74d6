"""What can be wrong with a seed or with the size of a draw."""

from __future__ import annotations

from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import named, short


class SeedTypeError(JaxenvError, TypeError):
    """A seed is not an integer."""

    def __init__(self, given: Any) -> None:
        super().__init__(f"a seed must be an integer, but {named(given)} was given. Pass an int or an integer array.")


class SeedRangeError(JaxenvError, ValueError):
    """A seed does not fit into 64 bits."""

    def __init__(self, given: int) -> None:
        super().__init__(
            f"a seed must be from -2**63 to 2**64 - 1, but {given} was given. Pass a smaller one, such as seed % 2**64."
        )


class RandomSizeError(JaxenvError, ValueError):
    """More random words were asked for than one key has."""

    def __init__(self, given: int) -> None:
        super().__init__(f"one key gives at most 2**32 words at once, but {given} were asked for. Split the key and draw in parts.")


class WordCountError(JaxenvError, TypeError):
    """The number of random words is not a whole number."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"words needs how many words to draw, a whole number or a tuple of them, but {short(given)} was given. "
            "Pass Python integers: they are part of the program."
        )


class KeyCountError(JaxenvError, TypeError):
    """The number of keys to derive is not a whole number."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"split takes the number of keys as a whole number or a tuple of them, but {short(given)} was given. "
            "Pass Python integers: they are part of the program."
        )


class KeyNumberError(JaxenvError, ValueError):
    """A key is to be derived by something that is not a 32-bit integer."""

    def __init__(self, function: str, given: Any) -> None:
        super().__init__(
            f"{function} takes an integer from 0 to 2**32 - 1, or an array of integers, but {short(given)} was given. "
            "Pass such a number."
        )


class WordTypeError(JaxenvError, TypeError):
    """Random words are expected, and something else was given."""

    def __init__(self, function: str, given: str) -> None:
        super().__init__(
            f"jaxenv.random.{function} takes random words, uint32, but {given} was given. Pass words, such as "
            "jaxenv.random.words(key, 2)[0]."
        )


class IntegerRangeError(JaxenvError, ValueError):
    """A range of integers is empty or too wide for one 32-bit word."""

    def __init__(self, low: Any, high: Any) -> None:
        super().__init__(
            f"uniform_int needs Python integers with 0 < high - low <= 65536, but low = {short(low)} and high = {short(high)} "
            "were given. Choose another range."
        )
