"""The environments of this package, as data: importing this module imports no environment and no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry.spec import EnvSpec

_GYMNAX = "actions are not sticky, observations are float32, an episode ends after 1,000 steps"
_GYMNAX_FREEWAY = "actions are not sticky, observations are float32, an episode ends after 2,500 steps as truncation"
_PGX_SEAQUEST = "the submarine runs out of oxygen a step later (oxygen < 0, not <= 0)"


def _spec(name: str, module: str, summary: str) -> EnvSpec:
    """Return a game's spec, with what differs in other libraries' versions of it."""
    return EnvSpec(
        name=f"{name}-MinAtar",
        entry_point=f"jaxenv_minatar.{module}:{name}",
        summary=summary,
        reference="MinAtar 1.0.15 (Young & Tian 2019)",
        oracle="jaxenv_minatar.oracle:certify",
        counterparts={
            "gymnax": (f"{name}-MinAtar", _GYMNAX_FREEWAY if name == "Freeway" else _GYMNAX),
            "pgx": (f"minatar-{module}", _PGX_SEAQUEST if name == "Seaquest" else ""),
        },
    )


ENVS = (
    _spec("Asterix", "asterix", "Collect gold and keep clear of the enemies that cross the board."),
    _spec("Breakout", "breakout", "Keep a ball in play with a paddle and break the bricks above."),
    _spec("Freeway", "freeway", "Walk a chicken across eight lanes of traffic, as often as 2,501 steps allow."),
    _spec("Seaquest", "seaquest", "Shoot fish and submarines, pick up divers, and surface before the oxygen is out."),
    _spec("SpaceInvaders", "space_invaders", "Shoot the descending aliens and dodge their bullets, wave after wave."),
)


@hookimpl
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the specs of the five games."""
    return ENVS
