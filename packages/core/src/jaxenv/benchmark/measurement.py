"""One library on one workload, measured; and the machine that it was measured on."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from jaxenv.benchmark.workload import Workload


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One library on one workload."""

    workload: Workload
    """What was played."""
    version: str
    """Version of the library."""
    compile_seconds: float | None
    """Median time to trace and compile, s; None for a library that does not compile."""
    seconds: tuple[float, ...]
    """Time of each run, s."""
    state_bytes: int
    """Size of one environment's state, bytes; 0 where it is not made of arrays."""
    difference: str = ""
    """Where the library's task is not jaxenv's by default; empty if nothing is known."""

    @property
    def library(self) -> str:
        """Name of the library."""
        return self.workload.library

    @property
    def env_id(self) -> str:
        """The environment's id in jaxenv."""
        return self.workload.env_id

    @property
    def nanoseconds_per_step(self) -> float:
        """Median time of one step of one environment, ns: with many devices, of a step anywhere."""
        return statistics.median(self.seconds) / (self.workload.num_envs * self.workload.num_steps) * 1e9

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second, from the median."""
        return 1e9 / self.nanoseconds_per_step

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as flat plain data, medians included; a library's own unrolling is ``default``."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "workload"}
        derived = {"nanoseconds_per_step": self.nanoseconds_per_step, "steps_per_second": self.steps_per_second}
        unroll = self.workload.unroll or "default"
        return self.workload._asdict() | {"unroll": unroll} | own | derived

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """Return the measurement that :meth:`to_json` wrote; fields that have a default may be missing."""
        unroll = None if data["unroll"] == "default" else data["unroll"]
        chosen = _tuples(data.get("settings", ()))
        given: dict[str, Any] = {**data, "seconds": tuple(data["seconds"]), "unroll": unroll, "settings": chosen}
        workload = Workload(**{name: given[name] for name in Workload._fields if name in given})
        own: dict[str, Any] = {field.name: given[field.name] for field in dataclasses.fields(cls) if field.name in given}
        return cls(workload=workload, **own)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def machine() -> dict[str, Any]:
    """Describe where a measurement is taken, and how busy it is beforehand: processes that want a CPU, over the last minute."""
    device = jax.devices()[0]
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "backend": device.platform,
        "device": device.device_kind,
        "device_count": jax.device_count(),
        "cpu": _cpu(),
        "cpu_count": os.cpu_count(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _cpu() -> str:
    """Return the processor's name as the system has it; empty if it has none."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
