"""Write docs/gallery/, a film of each task, and docs/assets/mosaic.gif, sixteen of them side by side.

    python docs/make_gallery.py            everything
    python docs/make_gallery.py minatar    the films of the ids that contain a word
    python docs/make_gallery.py mosaic     the sixteen alone

Needs the families, Pillow, and scikit-learn for its handwritten digits. Tasks are played by the agents that jaxenv-baselines ships,
where it is installed and has one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv import EnvSpec
from jaxenv.cli.render import record
from jaxenv.visualize import Visualizer, encode
from sitegen.environments import OVERRIDES, picture_of, tasks

DOCS = Path(__file__).parent
STEPS, FPS = 60, 12

MOSAIC = DOCS / "assets" / "mosaic.gif"
TILE, GAP = 128, 4
TILES = (
    ("CartPole-v1", "Breakout-MinAtar", "Swimmer-misc", "Catch-bsuite"),
    ("Asterix-MinAtar", "Pendulum-v1", "FourRooms-misc", "SpaceInvaders-MinAtar"),
    ("Acrobot-v1", "Pong-misc", "Freeway-MinAtar", "Reacher-misc"),
    ("MetaMaze-misc", "Seaquest-MinAtar", "MountainCarContinuous-v0", "DeepSea-bsuite"),
)
"""Ids of the sixteen, by row and column."""

POLICIES: dict[str, Any] = {
    "classic/CartPole-v1": lambda obs, key: jnp.where(obs[2] + 0.3 * obs[3] > 0.0, 1, 0),
    "classic/Pendulum-v1": lambda obs, key: jnp.where(obs[0] < 0.7, 2.0 * jnp.sign(obs[2]), -8.0 * obs[1] - 2.0 * obs[2])[None],
    "classic/Acrobot-v1": lambda obs, key: jnp.where(obs[4] > 0.0, 2, 0),
    "classic/MountainCar-v0": lambda obs, key: jnp.where(obs[1] >= 0.0, 2, 0),
    "classic/MountainCarContinuous-v0": lambda obs, key: jnp.where(obs[1] >= 0.0, 1.0, -1.0)[None],
    "misc/Swimmer-misc": lambda obs, key: jnp.clip(obs[14:16] - obs[10:12] - obs[12:14], -1.0, 1.0),
    "bsuite/MountainCar-bsuite": lambda obs, key: jnp.where(obs[0, 1] >= 0.0, 2, 0),
    "bsuite/Cartpole-bsuite": lambda obs, key: jnp.where(obs[0, 2] + 0.3 * obs[0, 4] > 0.0, 2, 0),
}
"""Where random actions would show little: rules of thumb."""

STRIDES = {
    "classic/MountainCar-v0": 2,
    "classic/MountainCarContinuous-v0": 3,
    "bsuite/MountainCar-bsuite": 2,
    "bsuite/Cartpole-bsuite": 4,
    "bsuite/CartpoleSwingup-bsuite": 5,
    "misc/Swimmer-misc": 4,
    "misc/Reacher-misc": 2,
    "classic/Acrobot-v1": 2,
}
"""Steps from one frame to the next, where little happens in a step."""


def loaded(spec: EnvSpec) -> dict[str, Any]:
    """Return who plays a task, as :func:`record` takes it: an agent that is shipped, else a rule of thumb, else random actions."""
    otherwise = {"policy": POLICIES.get(spec.id)}
    try:
        import jaxenv_baselines

        agent = jaxenv_baselines.load(spec.id)
    except (ImportError, LookupError):  # not installed, or no agent for this task
        return otherwise
    if agent.description["overrides"] != OVERRIDES.get(spec.id, {}):  # it sees another task
        return otherwise
    return {"policy": agent.policy, "policy_params": agent.policy_params, "initial_carry": agent.initial_carry}


def film(spec: EnvSpec, path: Path) -> None:
    """Play a task and write what happened."""
    env, params = jaxenv.make(spec, **OVERRIDES.get(spec.id, {}))
    stride = STRIDES.get(spec.id, 1)
    states, returns = record(env, params, **loaded(spec), steps=STEPS * stride, num_envs=1, seed=0)
    states, returns = jax.tree.map(lambda leaf: leaf[::stride], (states, returns))
    Visualizer(env, params, states, returns).animate(path, fps=FPS)


def mosaic(path: Path) -> None:
    """Play sixteen tasks and write them side by side."""
    rows = [np.concatenate([tile(jaxenv.spec(name)) for name in names], axis=2) for names in TILES]
    frames = np.concatenate(rows, axis=1)
    path.parent.mkdir(exist_ok=True)
    encode.write(path, list(frames), FPS, "jaxenv")
    print(f"{path.name}: {path.stat().st_size:,} bytes, {frames.shape[2]} x {frames.shape[1]}")


def tile(spec: EnvSpec) -> np.ndarray:
    """Return the frames of a task, uint8[STEPS, TILE + GAP, TILE + GAP, 3]."""
    env, params = jaxenv.make(spec, **OVERRIDES.get(spec.id, {}))
    stride = STRIDES.get(spec.id, 1)
    states, _ = record(env, params, **loaded(spec), steps=STEPS * stride, num_envs=1, seed=0)
    states = jax.tree.map(lambda leaf: leaf[:-1:stride, 0], states)
    drawn = np.asarray(jax.vmap(lambda state: env.render(state, params, TILE))(states))
    return np.pad(drawn, ((0, 0), (GAP // 2, GAP // 2), (GAP // 2, GAP // 2), (0, 0)), constant_values=255)


def main() -> None:
    wanted = sys.argv[1:]
    (DOCS / "gallery").mkdir(exist_ok=True)
    for spec in tasks():
        path = DOCS / picture_of(spec)
        if not wanted or any(word in spec.id for word in wanted):
            film(spec, path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")
    if not wanted or "mosaic" in wanted:
        mosaic(MOSAIC)


if __name__ == "__main__":
    main()
