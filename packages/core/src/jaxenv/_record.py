"""What every ``flax.struct`` dataclass here has, said to the type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self


class Record:
    """Base of dataclasses made by ``flax.struct.dataclass``, which adds ``replace`` without declaring it."""

    if TYPE_CHECKING:

        def replace(self, **updates: Any) -> Self: ...
