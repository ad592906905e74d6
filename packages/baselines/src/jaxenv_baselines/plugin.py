"""Commands and policies of this package, as data. Importing this module imports no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command, PolicySource


@hookimpl
def jaxenv_commands() -> Iterable[Command]:
    """Return ``jaxenv train``, ``evaluate``, ``optimal`` and ``agents``."""
    return [
        Command("train", "jaxenv_baselines.commands:train", help="Train an agent, or search hyperparameters."),
        Command("evaluate", "jaxenv_baselines.commands:evaluate", help="Evaluate an agent on whole episodes."),
        Command("optimal", "jaxenv_baselines.optimal.command:show", help="Compute the optimal return of an environment."),
        Command("agents", "jaxenv_baselines.commands:agents", help="List the shipped agents."),
    ]


@hookimpl
def jaxenv_policies() -> Iterable[PolicySource]:
    """Return ``--policy agent:shipped`` and ``--policy agent:DIR``."""
    return [PolicySource("agent", "jaxenv_baselines.agent:policy_for", help="shipped, or a directory that jaxenv train wrote")]
