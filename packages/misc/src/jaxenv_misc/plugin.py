"""The environments of this package, as data: importing this module imports no environment and no JAX."""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry.spec import EnvSpec

_ORACLE = "jaxenv_misc.oracle:certify"

ENVS = (
    EnvSpec(
        name="FourRooms-misc",
        entry_point="jaxenv_misc.four_rooms:FourRooms",
        summary="Find a goal in four rooms joined by doorways, with moves that slip.",
        reference="Sutton, Precup & Singh 1999; howardh/gym-fourrooms",
        oracle=_ORACLE,
        counterparts={"gymnax": ("FourRooms-misc", "start and goal stay where they are")},
    ),
    EnvSpec(
        name="MetaMaze-misc",
        entry_point="jaxenv_misc.meta_maze:MetaMaze",
        summary="Find an unseen goal in a maze, and find it again after each teleport.",
        reference="Miconi, Rawal, Clune & Stanley 2020; uber-research/backpropamine, simplemaze/maze.py",
        oracle=_ORACLE,
        counterparts={"gymnax": ("MetaMaze-misc", "observes 15 numbers, not 17")},
    ),
    EnvSpec(
        name="PointRobot-misc",
        entry_point="jaxenv_misc.point_robot:PointRobot",
        summary="Walk over a plane to an unseen goal on a half circle.",
        reference="Dorfman, Shenfeld & Tamar 2021; Rondorf/BOReL, SparsePointEnv",
        oracle=_ORACLE,
        counterparts={
            "gymnax": ("PointRobot-misc", "observes its context, goes on from the start at the goal, 100 steps an episode, not 20")
        },
    ),
    EnvSpec(
        name="BernoulliBandit-misc",
        entry_point="jaxenv_misc.bernoulli_bandit:BernoulliBandit",
        summary="Find out which of two dependent arms pays more often, while earning.",
        reference="Wang et al. 2017; RobertTLange/minimal-meta-rl",
        oracle=_ORACLE,
    ),
    EnvSpec(
        name="GaussianBandit-misc",
        entry_point="jaxenv_misc.gaussian_bandit:GaussianBandit",
        summary="Find out whether an arm of unknown mean is worth pulling.",
        reference="Lange & Sprekeler 2022",
        oracle=_ORACLE,
    ),
    EnvSpec(
        name="Reacher-misc",
        entry_point="jaxenv_misc.reacher:Reacher",
        summary="Bring the tip of an arm of several joints to a goal.",
        reference="ivy-llc/gym, reacher.py",
        oracle=_ORACLE,
    ),
    EnvSpec(
        name="Swimmer-misc",
        entry_point="jaxenv_misc.swimmer:Swimmer",
        summary="Swim to a goal, away from urchins.",
        reference="ivy-llc/gym, swimmer.py",
        oracle=_ORACLE,
    ),
    EnvSpec(
        name="Pong-misc",
        entry_point="jaxenv_misc.pong:Pong",
        summary="Keep a ball between two paddles in play.",
        reference="Kirsch 2018; BlackHC/batch_pong_poc, vanilla_pong.py",
        oracle=_ORACLE,
        counterparts={
            "gymnax": (
                "Pong-misc",
                "one player against a paddle that follows the ball, float32 observations of (30, 40, 3), not uint8 of (30, 40)",
            )
        },
    ),
    EnvSpec(
        name="FrozenLake-misc",
        entry_point="jaxenv_misc.frozen_lake:FrozenLake",
        summary="Cross a slippery frozen lake of 4 x 4 tiles without falling into a hole; 100 steps.",
        reference="Gymnasium >= 1.0, gymnasium.envs.toy_text.frozen_lake",
        oracle=_ORACLE,
        counterparts={"envpool": ("FrozenLake-v1", ""), "gymnasium": ("FrozenLake-v1", "")},
    ),
    EnvSpec(
        name="FrozenLake8x8-misc",
        entry_point="jaxenv_misc.frozen_lake:FrozenLake",
        kwargs={"desc": "8x8"},
        params={"max_steps_in_episode": 200},
        summary="Cross a slippery frozen lake of 8 x 8 tiles without falling into a hole; 200 steps.",
        reference="Gymnasium >= 1.0, gymnasium.envs.toy_text.frozen_lake",
        oracle=_ORACLE,
        counterparts={"envpool": ("FrozenLake8x8-v1", ""), "gymnasium": ("FrozenLake8x8-v1", "")},
    ),
)


@hookimpl
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the specs of this family."""
    return ENVS
