"""Fewer entries of ``info``."""

from __future__ import annotations

from typing import Any

from jaxenv.errors import WrapperSettingError
from jaxenv.errors.formatting import short
from jaxenv.wrappers.base import Wrapper


class SelectInfo(Wrapper):
    """Leave entries of ``info`` out: a program that returns every step's ``info`` keeps them all in memory.

    Give the names to ``keep`` or the names to ``drop``. A name that ``info`` does not hold is an error, raised by the first step.

    >>> env = SelectInfo(env, drop=("final_observation",))
    """

    keep: tuple[str, ...] | None = None
    """The entries to keep; ``None`` keeps all but those to drop."""
    drop: tuple[str, ...] = ()
    """The entries to leave out."""

    def __post_init__(self) -> None:
        for name in ("keep", "drop"):
            given: Any = getattr(self, name)
            if isinstance(given, list | set | frozenset):
                object.__setattr__(self, name, tuple(sorted(given)))
            elif not isinstance(given, tuple | None):
                raise WrapperSettingError(
                    f"SelectInfo got {name} = {short(given)}. Pass a tuple of names, such as ('final_observation',)."
                )
        super().__post_init__()
        if (self.keep is None) == (not self.drop):
            raise WrapperSettingError("SelectInfo takes either keep or drop. Pass one of them.")

    def report(self, info: dict[str, Any]) -> dict[str, Any]:
        reported = super().report(info)
        named = self.drop if self.keep is None else self.keep
        missing = [name for name in named if name not in reported]
        if missing:
            raise WrapperSettingError(f"SelectInfo got the names {missing}, but info holds {sorted(reported)}. Choose from these.")
        return {name: value for name, value in reported.items() if (name in named) == (self.keep is not None)}
