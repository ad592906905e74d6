"""Speed, measured: one protocol for jaxenv and for the libraries that have the same tasks."""

from jaxenv.benchmark.contenders import Workload
from jaxenv.benchmark.protocol import Measurement, compare

__all__ = ["Measurement", "Workload", "compare"]
