"""How primitives other than elementwise ones are interpreted, by kind; importing this package registers them all in ``RULES``."""

from jaxenv.engine.scalar.rules import combining, control, moving, places, randomness

__all__ = ["combining", "control", "moving", "places", "randomness"]
