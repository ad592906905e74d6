"""What this package adds to the ``jaxenv`` command line, as data: importing this module imports no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command, PolicySource


@hookimpl
def jaxenv_commands() -> Iterable[Command]:
    """Return ``jaxenv train``, ``evaluate``, ``optimal`` and ``agents``."""
    return [
        Command("train", "jaxenv_baselines.commands:train", help="Train agents, and keep the best of them."),
        Command(
            "evaluate", "jaxenv_baselines.commands:evaluate", help="Play whole episodes with an agent, and say how good it is."
        ),
        Command("optimal", "jaxenv_baselines.optimal.command:show", help="Compute how good the best possible agent is."),
        Command("agents", "jaxenv_baselines.commands:agents", help="List the agents that are shipped."),
    ]


@hookimpl
def jaxenv_policies() -> Iterable[PolicySource]:
    """Return ``--policy agent:shipped`` and ``--policy agent:DIR``."""
    return [PolicySource("agent", "jaxenv_baselines.agent:policy_for", help="shipped, or a directory that jaxenv train wrote")]
