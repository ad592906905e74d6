"""What is measured: a workload, and the program that plays it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from jaxenv.benchmark.network import Network


class Workload(NamedTuple):
    """One library's share of a comparison: two equal workloads are the same work."""

    library: str
    """The library that plays it."""
    env_id: str
    """The environment's id in jaxenv."""
    num_envs: int
    """Environments in the batch, on all devices together."""
    num_steps: int
    """Steps of each environment in one run."""
    policy: str = "random"
    """``random`` (uniform over the action space) or ``mlp`` (the network of :mod:`jaxenv.benchmark.network`)."""
    force: bool = True
    """Whether observations of every step are outputs, beside rewards and flags. A library in Python always makes them."""
    unroll: int | None = None
    """Steps in one iteration of the loop over steps; None leaves it to the library."""
    prng: str = "default"
    """``default`` (the library's own choice: JAX's default keys for a JAX library) or ``jaxenv`` (``jaxenv.random.key``)."""
    devices: int = 1
    """Devices that the batch is spread over."""
    threads: int | None = None
    """Threads of a library that has a pool of them; None for all others."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Fields and params that jaxenv's environment is made with, by name, where they are not those of the id."""

    @property
    def title(self) -> str:
        """The workload in a few words, for messages."""
        spread = f" on {self.devices} devices" if self.devices > 1 else ""
        chosen = "".join(f", {name}={value}" for name, value in self.settings)
        return f"{self.env_id}{chosen} with {self.num_envs:,} environment{'s' * (self.num_envs > 1)}{spread} ({self.library})"


class Program(Protocol):
    """Something ready to run."""

    @property
    def compiles(self) -> bool:
        """Whether :meth:`compile` is a compilation, whose time means something."""
        ...

    @property
    def state_bytes(self) -> int:
        """Size of one environment's state, bytes; 0 where it is not made of arrays."""
        ...

    @property
    def network(self) -> Network:
        """The network that the policy ``mlp`` is for this library's environment."""
        ...

    def compile(self) -> None:
        """Do all that happens once, such as tracing and compiling. Timed apart."""
        ...

    def ready(self, seed: int) -> None:
        """Make what is no part of the work of the run with this seed: its random key. Not timed."""
        ...

    def run(self, seed: int) -> None:
        """Play the workload once, from fresh resets, and wait for every output."""
        ...
