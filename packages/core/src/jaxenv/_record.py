"""What every pytree dataclass of jaxenv has: ``replace``, declared to the type checker, and one meaning however it is decorated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from jaxenv import _classes


class Record(metaclass=_classes.RecordType):
    """Base of dataclasses made by ``flax.struct.dataclass``, which adds ``replace`` without declaring it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes.check_record(cls)

    if TYPE_CHECKING:

        def replace(self, **updates: Any) -> Self: ...
