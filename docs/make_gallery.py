"""Write docs/gallery.md and docs/gallery/: a film and the facts of each task.

    python docs/make_gallery.py            everything
    python docs/make_gallery.py minatar    the films of the ids that contain a word, and the page

Needs the families, Pillow, and scikit-learn for its handwritten digits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
from jaxenv import EnvSpec, spaces
from jaxenv.cli.render import record
from jaxenv.environment import NO_TIME_LIMIT
from jaxenv.visualize import Visualizer

DOCS = Path(__file__).parent
STEPS, FPS = 60, 12

OVERRIDES = {"bsuite/MNISTBandit-bsuite": {"source": "digits"}}
"""MNIST itself is downloaded by nobody; scikit-learn's digits stand in for it."""

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


def tasks() -> list[EnvSpec]:
    """Return one spec for each class of environment: most ids differ in numbers alone, or in what happens to the reward."""
    specs = [spec for spec in jaxenv.registered_envs() if "wrapped" not in spec.entry_point]
    return list({spec.entry_point: spec for spec in reversed(specs)}.values())[::-1]


def film(spec: EnvSpec, path: Path) -> None:
    """Play a task and write what happened."""
    env, params = jaxenv.make(spec, **OVERRIDES.get(spec.id, {}))
    stride = STRIDES.get(spec.id, 1)
    states, returns = record(env, params, POLICIES.get(spec.id), steps=STEPS * stride, num_envs=1, seed=0)
    states, returns = jax.tree.map(lambda leaf: leaf[::stride], (states, returns))
    Visualizer(env, params, states, returns).animate(path, fps=FPS)


def entry(spec: EnvSpec, path: Path) -> str:
    """Return the page's section on a task."""
    env, params = jaxenv.make(spec, **OVERRIDES.get(spec.id, {}))
    limit = int(params.max_steps_in_episode)
    facts = {
        "observation": _shown(env.observation_space(params)),
        "action": _shown(env.action_space(params)),
        "time limit": "none" if limit == NO_TIME_LIMIT else f"{limit:,} steps",
        "reference": spec.reference,
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    return f"### {spec.name}\n\n{spec.summary}\n\n![{spec.name}]({path.relative_to(DOCS)})\n\n| | |\n|---|---|\n{table}\n"


def _shown(space: Any) -> str:
    match space:
        case spaces.Box():
            return f"{space.dtype}{list(space.shape)}"
        case spaces.Discrete():
            return f"one of {space.n}"
        case _:
            return f"`{space}`"


def main() -> None:
    wanted = sys.argv[1:]
    (DOCS / "gallery").mkdir(exist_ok=True)
    sections: dict[str, list[str]] = {}
    for spec in tasks():
        path = DOCS / "gallery" / f"{spec.name.lower()}.gif"
        if not wanted or any(word in spec.id for word in wanted):
            film(spec, path)
            print(f"{path.name}: {path.stat().st_size:,} bytes")
        sections.setdefault(spec.namespace or "", []).append(entry(spec, path))
    head = (
        "# Gallery\n\nEvery task, as `env.render` draws it: in JAX, from the state, at any size. What the agent cannot see is\n"
        "an outline. Actions are random, or follow a rule of thumb where random ones would show little. This page is written by\n"
        "`docs/make_gallery.py`; `jaxenv render ID out.gif` makes such a film.\n"
    )
    body = "".join(f"\n## {name}\n\n" + "\n".join(entries) for name, entries in sections.items())
    (DOCS / "gallery.md").write_text(head + body, encoding="utf-8")


if __name__ == "__main__":
    main()
