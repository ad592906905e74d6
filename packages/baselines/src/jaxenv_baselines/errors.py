"""What goes wrong with agents and their training: each message a sentence that ends in an action."""

from __future__ import annotations

from jaxenv.errors import JaxenvError


class BaselinesError(JaxenvError):
    """Base class of everything that jaxenv_baselines raises on purpose."""
