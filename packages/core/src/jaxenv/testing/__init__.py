"""Tests for authors: the conformance kit, and the certificates of fidelity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxenv.lazy import exports

if TYPE_CHECKING:
    from jaxenv.errors import ConformanceError
    from jaxenv.testing.certificate import Certificate, Quantity
    from jaxenv.testing.checks import CHECKS, Check
    from jaxenv.testing.conformance import check_env
    from jaxenv.testing.outcomes import Report, Result
    from jaxenv.testing.precision import enable_x64

__all__ = ["CHECKS", "Certificate", "Check", "ConformanceError", "Quantity", "Report", "Result", "check_env", "enable_x64"]

# Lazily, so that pytest can load the plugin next door without importing JAX.
__getattr__, __dir__ = exports(
    __name__,
    certificate=("Certificate", "Quantity"),
    checks=("CHECKS", "Check"),
    conformance=("ConformanceError", "check_env"),
    outcomes=("Report", "Result"),
    precision=("enable_x64",),
)
