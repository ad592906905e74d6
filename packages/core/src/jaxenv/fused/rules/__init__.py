"""How primitives other than elementwise ones are interpreted, by kind; importing this package registers them all in ``RULES``."""

from jaxenv.fused.lanes import RULES
from jaxenv.fused.rules import bits, combining, control, moving, places, randomness

__all__ = ["RULES", "bits", "combining", "control", "moving", "places", "randomness"]
