"""Proof for authors: the conformance kit, and the certificates of fidelity."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxenv.errors import ConformanceError
    from jaxenv.testing.certificate import Certificate, Quantity
    from jaxenv.testing.checks import CHECKS, Check
    from jaxenv.testing.conformance import check_env
    from jaxenv.testing.outcomes import Report, Result
    from jaxenv.testing.precision import enable_x64

__all__ = ["CHECKS", "Certificate", "Check", "ConformanceError", "Quantity", "Report", "Result", "check_env", "enable_x64"]

_HOMES = {
    "CHECKS": "jaxenv.testing.checks",
    "Certificate": "jaxenv.testing.certificate",
    "Check": "jaxenv.testing.checks",
    "ConformanceError": "jaxenv.errors",
    "Quantity": "jaxenv.testing.certificate",
    "Report": "jaxenv.testing.outcomes",
    "Result": "jaxenv.testing.outcomes",
    "check_env": "jaxenv.testing.conformance",
    "enable_x64": "jaxenv.testing.precision",
}


def __getattr__(name: str) -> Any:
    # Lazily, so that pytest can load the plugin next door without importing JAX.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
