"""From the jaxpr of a function of one environment to a program on scalars."""

from jaxenv.engine.scalar.program import Instruction, Leaf, Register, ScalarProgram, UnsupportedError
from jaxenv.engine.scalar.trace import scalarize

__all__ = ["Instruction", "Leaf", "Register", "ScalarProgram", "UnsupportedError", "scalarize"]
