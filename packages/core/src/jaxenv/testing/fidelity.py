"""What ``jaxenv fidelity`` prints: how an environment compared with its reference implementation."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One observable thing that both sides computed on every transition."""

    name: str
    """What was compared: ``observation``, ``reward``, ``terminated``, ``state.theta``, ..."""
    compared: int
    """How many transitions it was compared on."""
    largest_difference: float
    """The largest absolute difference seen (for flags and integers: 0.0 or a count)."""
    tolerance: float
    """The largest difference that counts as equal; 0.0 means exact."""

    @property
    def passed(self) -> bool:
        """Whether something was compared and never differed by more than the tolerance."""
        return self.compared > 0 and self.largest_difference <= self.tolerance


@dataclasses.dataclass(frozen=True)
class FidelityReport:
    """The outcome of a lockstep run of one environment against its reference.

    A family provides reports through ``EnvSpec.oracle``, a ``"module:function"`` string naming a function
    ``compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport``.
    """

    env_id: str
    """The full id, ``namespace/name``."""
    reference: str
    """The distribution that served as the reference."""
    reference_version: str
    """Its version."""
    transitions: int
    """Transitions run on both sides with the same actions and the same draws."""
    episodes: int
    """Episodes that ended among them."""
    quantities: tuple[Quantity, ...]
    """Everything that was compared."""
    notes: tuple[str, ...] = ()
    """How play was driven, what was reached, and anything that could not be compared."""

    @property
    def passed(self) -> bool:
        """Whether every quantity passed."""
        return bool(self.quantities) and all(quantity.passed for quantity in self.quantities)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return dataclasses.asdict(self) | {"passed": self.passed}
