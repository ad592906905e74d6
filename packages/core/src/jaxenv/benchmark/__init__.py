"""Speed, measured: one protocol for jaxenv and for the libraries that have the same tasks."""

from jaxenv.benchmark.measurement import Measurement
from jaxenv.benchmark.protocol import Comparison, compare
from jaxenv.benchmark.workload import Workload

__all__ = ["Comparison", "Measurement", "Workload", "compare"]
