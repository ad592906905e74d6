"""The environments of this package, as data: importing this module imports no environment and no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry.spec import EnvSpec

_SOURCE = "Gymnasium >= 1.0, gymnasium.envs.classic_control"
_ORACLE = "jaxenv_classic.oracle:certify"

ENVS = (
    EnvSpec(
        name="CartPole-v1",
        entry_point="jaxenv_classic.cartpole:CartPole",
        summary="Balance a pole on a cart by pushing the cart left or right; 500 steps.",
        reference=_SOURCE,
        oracle=_ORACLE,
        counterparts={"envpool": ("CartPole-v1", "")},
    ),
    EnvSpec(
        name="CartPole-v0",
        entry_point="jaxenv_classic.cartpole:CartPole",
        params={"max_steps_in_episode": 200},
        summary="Balance a pole on a cart by pushing the cart left or right; 200 steps.",
        reference=_SOURCE,
        oracle=_ORACLE,
    ),
    EnvSpec(
        name="Pendulum-v1",
        entry_point="jaxenv_classic.pendulum:Pendulum",
        summary="Swing a pendulum up and hold it upright with a weak motor.",
        reference=_SOURCE,
        oracle=_ORACLE,
        counterparts={"envpool": ("Pendulum-v1", "the angle follows the velocity from before it is clipped")},
    ),
    EnvSpec(
        name="Acrobot-v1",
        entry_point="jaxenv_classic.acrobot:Acrobot",
        summary="Swing the tip of a two-link arm above a line by driving the joint between the links.",
        reference=_SOURCE,
        oracle=_ORACLE,
        counterparts={"envpool": ("Acrobot-v1", "")},
    ),
    EnvSpec(
        name="MountainCar-v0",
        entry_point="jaxenv_classic.mountain_car:MountainCar",
        summary="Drive an underpowered car out of a valley with three throttle positions.",
        reference=_SOURCE,
        oracle=_ORACLE,
        counterparts={"envpool": ("MountainCar-v0", "")},
    ),
    EnvSpec(
        name="MountainCarContinuous-v0",
        entry_point="jaxenv_classic.mountain_car_continuous:MountainCarContinuous",
        summary="Drive an underpowered car out of a valley with a continuous throttle that costs energy.",
        reference=_SOURCE,
        oracle=_ORACLE,
        counterparts={"envpool": ("MountainCarContinuous-v0", "")},
    ),
)


@hookimpl
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the specs of classic control."""
    return ENVS
