"""gymnax: JAX environments whose names are jaxenv's, played by the loop of its documentation."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxenv.benchmark.contenders.base import Contender, Counterpart, module, short_name
from jaxenv.benchmark.contenders.jax_loop import JaxProgram, Tasks
from jaxenv.benchmark.workload import Workload

_MINATAR = "actions are not sticky, observations are float32, an episode ends after 1,000 steps"

DIFFERENCES = {
    "Asterix-MinAtar": _MINATAR,
    "Breakout-MinAtar": _MINATAR,
    "Freeway-MinAtar": "actions are not sticky, observations are float32, an episode ends after 2,500 steps as truncation",
    "Seaquest-MinAtar": _MINATAR,
    "SpaceInvaders-MinAtar": _MINATAR,
    "Catch-bsuite": "an episode ends after 1,000 steps",
    "DeepSea-bsuite": "another mapping of the actions, drawn anew",
    "DiscountingChain-bsuite": "no bonus for seeds above 4",
    "MemoryChain-bsuite": "an episode ends after 1,000 steps",
    "SimpleBandit-bsuite": "rewards are drawn anew at every reset",
    "UmbrellaChain-bsuite": "an episode ends after 100 steps",
    "FourRooms-misc": "start and goal stay where they are",
    "MetaMaze-misc": "observes 15 numbers, not 17",
    "PointRobot-misc": "observes its context, goes on from the start at the goal, 100 steps an episode, not 20",
    "Pong-misc": "one player against a paddle that follows the ball, float32 observations of (30, 40, 3), not uint8 of (30, 40)",
}
"""Where a task is not jaxenv's by default, which is that of its source; see "Coming from gymnax" in each family's README."""


def _find(name: str) -> Counterpart | None:
    return Counterpart(name, DIFFERENCES.get(name, "")) if name in module("gymnax").registered_envs else None


def _program(workload: Workload) -> JaxProgram:
    env, params = module("gymnax").make(short_name(workload.env_id))

    def reset(key: Array) -> tuple[Any, Any]:
        return env.reset(key, params)

    def step(key: Array, state: Any, action: Any) -> tuple[Any, Any, Array, Array]:
        obs, state, reward, terminated, truncated, _ = env.step(key, state, action, params)
        return obs, state, reward, terminated | truncated

    space = env.action_space(params)
    return JaxProgram(Tasks(reset, step, space.sample, space), workload)


GYMNAX = Contender("gymnax", ("gymnax>=1.0", "six"), "gymnax", _find, _program)
