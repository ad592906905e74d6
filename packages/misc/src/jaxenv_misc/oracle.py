"""Fidelity reports for this family: whole episodes in float64, against Gymnasium or a second implementation in NumPy.

FrozenLake has a reference implementation that can be installed, Gymnasium's. The sources of the other tasks cannot be; they are
compared with :mod:`jaxenv_misc.numpy_reference`, a second implementation of each task, and the report names it.

Our side runs as one scan over a batch of environments and records states, actions and draws. The other side replays actions and
draws on a state of its own, which it takes over from ours where an episode begins and nowhere else.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxenv import make, random, spaces
from jaxenv.registry.spec import EnvSpec
from jaxenv.testing.fidelity import FidelityReport, Quantity
from jaxenv.testing.lockstep import ScriptedCall, ScriptedGenerator, draws_of
from jaxenv.testing.precision import enable_x64

from jaxenv_misc.numpy_reference import NUMPY_TASKS, NumpyTask, Outcome

TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}
"""Largest difference of floats that counts as equal, after up to a whole episode of free running."""
BATCH = 32
"""Environments that run side by side."""

Recording = dict[str, Any]


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    """Compare at least ``transitions`` transitions of a registered environment with its reference."""
    with enable_x64():
        env, params = make(spec)
        return compare(spec.id, env, params, transitions=transitions, seed=seed)


def compare(env_id: str, env: Any, params: Any, *, transitions: int, seed: int) -> FidelityReport:
    """Compare an environment with any fields and params, in float64 if the caller has enabled it and else in float32.

    Args:
        env_id: the id to report.
        env: the environment.
        params: its parameters.
        transitions: how many transitions to run, at least.
        seed: of the episodes and the actions.
    """
    recording = record(env, params, steps=-(-transitions // BATCH), seed=seed)
    if env.name == "FrozenLake":
        reference, version = "gymnasium", importlib.metadata.version("gymnasium")
        theirs = _replay_gymnasium(recording, _gymnasium_env(env, params))
    else:
        reference, version = f"jaxenv_misc.numpy_reference.{env.name} (NumPy, float64)", importlib.metadata.version("jaxenv-misc")
        theirs = _replay(recording, NUMPY_TASKS[env.name](env, params), int(params.max_steps_in_episode))
    quantities = tuple(_quantity(name, recording[name], theirs[name]) for name in theirs)
    return FidelityReport(
        env_id=env_id,
        reference=reference,
        reference_version=version,
        transitions=recording["reward"].size,
        episodes=int(recording["done"].sum()),
        quantities=quantities,
        notes=(f"whole episodes in {jnp.result_type(float)}, same actions and draws, each side with a state of its own",),
    )


def record(env: Any, params: Any, *, steps: int, seed: int) -> Recording:
    """Play a batch of environments and return all that happened, each array with steps and batch in front.

    It holds ``start`` (the states before each step), ``action``, ``draws``, ``observation``, ``reward``, ``terminated``,
    ``truncated``, ``done``, and the fields of the states after each step and of ``info`` as ``state.*`` and ``info.*``.
    """
    policy = POLICIES.get(env.name, _random_policy)

    def step(state: Any, key: Any) -> tuple[Any, Recording]:
        key_action, key_step, key_reset = random.split(key, 3)
        action = policy(env, key_action, state, params)
        out = env.advance(key_step, state, action, params)
        draws = draws_of(env, key_step, params)
        done = out.terminated | out.truncated
        fresh = env.init(key_reset, params)
        after = jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, out.state)
        result = {
            "start": vars(state),
            "action": action,
            "draws": draws._asdict() if draws else {},
            "observation": env.observe(out.state, params),
            "reward": out.reward,
            "terminated": jnp.asarray(out.terminated),
            "truncated": out.truncated,
            "done": done,
            **{f"state.{name}": value for name, value in vars(out.state).items()},
            **{f"info.{name}": value for name, value in out.info.items()},
        }
        return after, result

    @jax.jit
    def run(key: Any, params: Any) -> Recording:
        keys = jax.random.split(key, (BATCH, steps + 1))
        state = jax.vmap(lambda key: env.init(key, params))(keys[:, 0])
        state = jax.tree.map(lambda x: jnp.broadcast_to(x, (BATCH, *jnp.shape(x)[1:])), state)
        return jax.lax.scan(jax.vmap(step), state, jnp.swapaxes(keys[:, 1:], 0, 1))[1]

    return jax.tree.map(np.asarray, run(jax.random.key(seed), params))


def _random_policy(env: Any, key: Any, state: Any, params: Any) -> Any:
    space = env.action_space(params)
    action = space.sample(key)
    # Beyond the bounds, too: some tasks clip, some do not.
    return action * 3 if isinstance(space, spaces.Box) else action


def _towards_goal(env: Any, key: Any, state: Any, params: Any) -> Any:
    """Walk to the goal, unsteadily: random moves hardly ever meet it."""
    return (state.goal - state.position).astype(jnp.float32) + _random_policy(env, key, state, params)


def _through_rooms(env: Any, key: Any, state: Any, params: Any) -> Any:
    """Approach the goal's row, its column, or neither, with equal chances."""
    width = len(env.layout[0])
    down, right = state.goal // width > state.position // width, state.goal % width > state.position % width
    return _one_of(env, key, params, jnp.where(down, 2, 0), jnp.where(right, 1, 3))


def _through_maze(env: Any, key: Any, state: Any, params: Any) -> Any:
    """Approach the goal's row, its column, or neither, with equal chances."""
    y, x = env.cell(state.goal)
    return _one_of(env, key, params, jnp.where(y > state.y, 1, 0), jnp.where(x > state.x, 3, 2))


def _one_of(env: Any, key: Any, params: Any, *actions: Any) -> Any:
    key_which, key_action = random.split(key)
    choices = jnp.stack([*actions, env.action_space(params).sample(key_action)])
    return choices[jax.random.randint(key_which, (), 0, len(choices))]


def _towards_ball(env: Any, key: Any, state: Any, params: Any) -> Any:
    """Follow the ball with both paddles for about three steps in four, which makes rallies of all speeds and misses."""
    paddles = jnp.stack([state.left, state.right])
    follow = jnp.where(state.ball_row < paddles, 1, 2).astype(jnp.int32)
    key_which, key_action = random.split(key)
    action = env.action_space(params).sample(key_action)
    follow = follow if action.shape else follow[0]
    return jnp.where(jax.random.uniform(key_which, action.shape) < 0.75, follow, action)


POLICIES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "FourRooms": _through_rooms,
    "MetaMaze": _through_maze,
    "PointRobot": _towards_goal,
    "Pong": _towards_ball,
}


def _replay(recording: Recording, task: NumpyTask, limit: int) -> dict[str, np.ndarray]:
    steps = len(recording["reward"])
    state: dict[str, np.ndarray] = {name: values[0].copy() for name, values in recording["start"].items()}
    results: list[dict[str, np.ndarray]] = []
    for t in range(steps):
        draws = {name: values[t] for name, values in recording["draws"].items()}
        out: Outcome = task.step(state, recording["action"][t], draws)
        state = {**out.state, "time": state["time"] + 1}
        results.append(
            {
                **{f"state.{name}": values for name, values in out.state.items()},
                "observation": task.observe(state),
                "reward": out.reward,
                "terminated": out.terminated,
                "truncated": state["time"] >= limit,
                **{f"info.{name}": values for name, values in out.info.items()},
            }
        )
        if t + 1 < steps:
            fresh = {name: values[t + 1] for name, values in recording["start"].items()}
            done = recording["done"][t]
            state = {name: np.where(_like(done, values), fresh[name], values) for name, values in state.items()}
    return {name: np.stack([result[name] for result in results]) for name in results[0]}


def _like(flags: np.ndarray, values: np.ndarray) -> np.ndarray:
    return flags.reshape(flags.shape + (1,) * (values.ndim - flags.ndim))


def _gymnasium_env(env: Any, params: Any) -> Any:
    gymnasium: Any = importlib.import_module("gymnasium")
    settings: dict[str, Any] = {"desc": list(env.desc), "is_slippery": env.is_slippery, "success_rate": float(params.success_rate)}
    schedule = tuple(float(reward) for reward in params.reward_schedule)
    limit = int(params.max_steps_in_episode)
    return gymnasium.make("FrozenLake-v1", **settings, reward_schedule=schedule, max_episode_steps=limit, disable_env_checker=True)


def _replay_gymnasium(recording: Recording, reference: Any) -> dict[str, np.ndarray]:
    generator, results = ScriptedGenerator("Gymnasium"), []
    draws = recording["draws"].get("uniform", np.zeros_like(recording["reward"]))
    for env_index in range(recording["reward"].shape[1]):
        done, lane_results = True, []
        for t, action in enumerate(recording["action"][:, env_index].tolist()):
            if done:
                reference.reset(seed=0)
                reference.unwrapped.np_random = generator
                reference.unwrapped.s = int(recording["start"]["position"][t, env_index])
            generator.push([ScriptedCall("random", (), float(draws[t, env_index]))])
            obs, reward, terminated, truncated, info = reference.step(action)
            done = terminated or truncated
            lane_results.append((obs, reward, terminated, truncated, info["prob"], reference.unwrapped.s))
        results.append(lane_results)
    names = ("observation", "reward", "terminated", "truncated", "info.prob", "state.position")
    columns = np.moveaxis(np.array(results, np.float64), (0, 1, 2), (2, 1, 0))
    return dict(zip(names, columns, strict=True))


def _quantity(name: str, ours: np.ndarray, theirs: np.ndarray) -> Quantity:
    if ours.shape != theirs.shape:
        raise ValueError(f"{name} has the shape {ours.shape}, but {theirs.shape} in the reference; make them agree")
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    compared = ours.shape[0] * ours.shape[1]
    return Quantity(name, compared, float(difference.max()), TOLERANCE.get(ours.dtype, 0.0))
