"""The reference's side of a comparison: how each task is built there, fed with our draws, and set to our state."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import math
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.testing.lockstep import ScriptedCall
from numpy.typing import NDArray

from jaxenv_bsuite import mnist_data

Draw = tuple[str, Any]
"""A method of ``numpy.random.RandomState`` and what its next call shall return."""
Fields = Mapping[str, Any]
"""The fields of one of our states, as NumPy values."""

MARGIN = 1e-5
"""How near a threshold float32 and float64 may fall on different sides of it."""


def calls(draws: list[Draw]) -> list[ScriptedCall]:
    """Return draws as calls of the reference's generator, with any arguments.

    Args:
        draws: the draws in order.
    """
    return [ScriptedCall(method, None, value) for method, value in draws]


@dataclasses.dataclass(frozen=True)
class ReferenceTask:
    """What a comparison needs to know of one task."""

    build: Callable[[Any, Any], Any]
    """``(env, params)`` to the reference's environment with the same settings."""
    expert: Callable[[Any, Any, Any], Any] | None = None
    """``(env, state, params)`` to an action that plays well, in JAX; None where random play reaches everything."""
    reset_draws: Callable[[Any, Fields, Any], list[Draw]] = lambda env, state, obs: []
    """``(env, first state, first observation)`` to what the reference draws in a reset."""
    step_draws: Callable[[Any, Any, Any], list[Draw]] = lambda env, theirs, record: []
    """``(env, the reference before the step, our step)`` to what it draws in the step."""
    state: Callable[[Fields], Any] | None = None
    """Our continuous state as a vector; None for a task with integers alone."""
    their_state: Callable[[Any], Any] | None = None
    """The reference's, likewise."""
    put: Callable[[Any, Fields], None] | None = None
    """``(theirs, our state)``: set the reference to our state."""
    recount: Callable[[Any, Fields, Mapping[str, Any]], None] | None = None
    """``(theirs, our state, our bsuite_info)``: set its counts to ours."""
    margin: Callable[[Any], float] = lambda theirs: math.inf
    """How far the reference's state is from the nearest threshold that decides a reward, a flag or a wall."""


def bits(words: Any, count: int) -> NDArray[np.uint8]:
    """Return the first ``count`` bits of uint32 words, as ``numerics.unpack`` does."""
    return np.unpackbits(np.ascontiguousarray(words, "<u4").view(np.uint8), bitorder="little")[:count]


def _balance(x: Any, x_dot: Any, theta: Any, theta_dot: Any) -> Array:
    """Push towards where the pole falls; keeps it up for the whole episode."""
    lean = jnp.sin(theta) + 0.3 * theta_dot + 0.05 * x + 0.1 * x_dot
    return jnp.where(lean > 0, 2, 0)


def _swing(env: Any, state: Any, params: Any) -> Array:
    """Pump energy while the pole is low, balance it while it is high and near the centre."""
    pump = jnp.where(state.theta_dot * jnp.cos(state.theta) - 0.3 * state.x > 0, 0, 2)
    high = jnp.cos(state.theta) > 0.7
    return jnp.where(high, _balance(state.x, state.x_dot, state.theta, state.theta_dot), jnp.where(state.time % 3 == 0, 1, pump))


def _pole(state: Any) -> Any:
    x, x_dot, theta, theta_dot = state
    return np.array([x, x_dot, np.sin(theta), np.cos(theta), theta_dot])


def _our_pole(state: Fields) -> Any:
    return _pole(np.array([state[name] for name in ("x", "x_dot", "theta", "theta_dot")], np.float64))


def _put_pole(theirs: Any, state: Fields) -> None:
    values = {name: float(state[name]) for name in ("x", "x_dot", "theta", "theta_dot")}
    theirs._state = theirs._state._replace(**values)
    theirs._reset_next_step = False


def _put_car(theirs: Any, state: Fields) -> None:
    theirs._position, theirs._velocity = float(state["position"]), float(state["velocity"])
    theirs._reset_next_step = False


def _recount(theirs: Any, state: Fields, info: Mapping[str, Any]) -> None:
    for name, value in info.items():
        setattr(theirs, f"_{name}", value)
    if "upright" in state:
        # Every step of Cartpole's episodes earns 1; of swingup's, what its own counts say.
        moves = float(state["moves"]) * theirs._move_cost if "moves" in state else 0.0
        theirs._episode_return = float(state["upright"] if "moves" in state else state["time"]) - moves


def _pole_draws(hanging: float) -> Callable[[Any, Fields, Any], list[Draw]]:
    def draws(env: Any, state: Fields, obs: Any) -> list[Draw]:
        angle = float(state["theta"]) - hanging
        return [("uniform", value) for value in (float(state["x"]), float(state["x_dot"]), angle, float(state["theta_dot"]))]

    return draws


def _cartpole_margin(theirs: Any) -> float:
    s = theirs._state
    return min(abs(np.cos(s.theta) - theirs._height_threshold), abs(abs(s.x) - theirs._x_threshold))


def _swingup_margin(theirs: Any) -> float:
    s = theirs._state
    return min(
        _cartpole_margin(theirs),
        abs(abs(s.x) - theirs._x_reward_threshold),
        abs(abs(s.theta_dot) - theirs._theta_dot_threshold),
    )


def _car_margin(theirs: Any) -> float:
    at_wall = theirs._position == -1.2
    return min(abs(theirs._position - 0.5), math.inf if at_wall else abs(theirs._position + 1.2))


def _sea_draws(env: Any, theirs: Any, record: Any) -> list[Draw]:
    draws: list[Draw] = []
    row, column = theirs._row, theirs._column
    if not env.deterministic and row == env.size - 1 and column in (0, env.size - 1):
        draws.append(("randn", float(record.drawn.noise)))
    if record.action == theirs._action_mapping[row, column]:
        draws.append(("rand", 0.0 if env.deterministic else float(record.drawn.wind)))
    return draws


def _umbrella_draws(env: Any, theirs: Any, record: Any) -> list[Draw]:
    coin: list[Draw] = [] if record.terminated else [("binomial", int(record.reward > 0))]
    return [*coin, ("binomial", record.final_obs[0, 3:].astype(int))]


def _floats(params: Any, *names: str) -> dict[str, float]:
    return {name: float(getattr(params, name)) for name in names}


def _bsuite(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"bsuite.{module}"), name)


REFERENCE_TASKS: Mapping[str, ReferenceTask] = {
    "SimpleBandit": ReferenceTask(
        build=lambda env, params: _bsuite("environments.bandit", "SimpleBandit")(env.mapping_seed, env.num_actions),
    ),
    "Catch": ReferenceTask(
        build=lambda env, params: _bsuite("environments.catch", "Catch")(env.rows, env.columns),
        expert=lambda env, state, params: jnp.sign(state.ball_x - state.paddle_x) + 1,
        reset_draws=lambda env, state, obs: [("randint", int(state["ball_x"]))],
    ),
    "Cartpole": ReferenceTask(
        build=lambda env, params: _bsuite("environments.cartpole", "Cartpole")(
            timescale=env.timescale, max_time=env.max_time, **_floats(params, "height_threshold", "x_threshold", "init_range")
        ),
        expert=lambda env, state, params: _balance(state.x, state.x_dot, state.theta, state.theta_dot),
        reset_draws=_pole_draws(0.0),
        state=_our_pole,
        their_state=lambda theirs: _pole(theirs._state[:4]),
        put=_put_pole,
        recount=_recount,
        margin=_cartpole_margin,
    ),
    "CartpoleSwingup": ReferenceTask(
        build=lambda env, params: _bsuite("experiments.cartpole_swingup.cartpole_swingup", "CartpoleSwingup")(
            timescale=env.timescale,
            max_time=env.max_time,
            **_floats(
                params, "height_threshold", "theta_dot_threshold", "x_reward_threshold", "move_cost", "x_threshold", "init_range"
            ),
        ),
        expert=_swing,
        reset_draws=_pole_draws(math.pi),
        state=_our_pole,
        their_state=lambda theirs: _pole(theirs._state[:4]),
        put=_put_pole,
        recount=_recount,
        margin=_swingup_margin,
    ),
    "DeepSea": ReferenceTask(
        build=lambda env, params: _bsuite("environments.deep_sea", "DeepSea")(
            env.size, env.deterministic, float(params.unscaled_move_cost), env.randomize_actions, mapping_seed=env.mapping_seed
        ),
        expert=lambda env, state, params: jnp.asarray(params.action_mapping)[state.time, state.column].astype(jnp.int32),
        step_draws=_sea_draws,
    ),
    "DiscountingChain": ReferenceTask(
        build=lambda env, params: _bsuite("environments.discounting_chain", "DiscountingChain")(int(params.bonus_arm)),
    ),
    "MemoryChain": ReferenceTask(
        build=lambda env, params: _bsuite("environments.memory_chain", "MemoryChain")(int(params.memory_length), env.num_bits),
        reset_draws=lambda env, state, obs: [
            ("binomial", bits(state["context"], env.num_bits).astype(int)),
            ("randint", int(state["query"])),
        ],
    ),
    "UmbrellaChain": ReferenceTask(
        build=lambda env, params: _bsuite("environments.umbrella_chain", "UmbrellaChain")(
            int(params.chain_length), env.n_distractor
        ),
        reset_draws=lambda env, state, obs: [
            ("binomial", int(state["need"])),
            ("binomial", int(state["has"])),
            ("binomial", obs[0, 3:].astype(int)),
        ],
        step_draws=_umbrella_draws,
    ),
    "MNISTBandit": ReferenceTask(
        build=lambda env, params: _bsuite("environments.mnist", "MNISTBandit")(env.fraction),
        expert=lambda env, state, params: params.labels[state.index],
        reset_draws=lambda env, state, obs: [("randint", int(state["index"]))],
    ),
    "MountainCar": ReferenceTask(
        build=lambda env, params: _bsuite("environments.mountain_car", "MountainCar")(int(params.max_steps)),
        expert=lambda env, state, params: jnp.where(state.velocity >= 0, 2, 0),
        reset_draws=lambda env, state, obs: [("uniform", float(state["position"]))],
        state=lambda state: np.array([state["position"], state["velocity"]], np.float64),
        their_state=lambda theirs: np.array([theirs._position, theirs._velocity]),
        put=_put_car,
        recount=_recount,
        margin=_car_margin,
    ),
}
"""Every task by the name of its class."""


@contextlib.contextmanager
def random_images(seed: int, count: int = 300) -> Generator[str]:
    """Write random bytes as the four files of MNIST, let the reference load them, and give their directory."""
    from bsuite.utils import datasets

    rng = np.random.RandomState(seed)
    images, labels = rng.randint(0, 256, (count, 28, 28)).astype(np.uint8), rng.randint(0, 10, count)
    with tempfile.TemporaryDirectory() as name:
        mnist_data.write(Path(name), images, labels)
        for kind in ("images-idx3", "labels-idx1"):
            (Path(name) / f"t10k-{kind}-ubyte.gz").write_bytes((Path(name) / f"train-{kind}-ubyte.gz").read_bytes())
        with mock.patch.object(datasets, "load_mnist", return_value=datasets.load_mnist(name)):
            yield name


def load_id(bsuite_id: str) -> Any:
    """Return the reference's environment for one of its ids, without its message on standard output."""
    import bsuite

    with contextlib.redirect_stdout(io.StringIO()):
        return bsuite.load_from_id(bsuite_id)
