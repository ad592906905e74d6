"""Running: an agent plays any of bsuite's ids, those of one environment at once, and an interruption loses nothing."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment

from jaxenv_bsuite import checkpoints, logs
from jaxenv_bsuite.agents import Agent, AgentFactory, Experience, find_agent, try_agent
from jaxenv_bsuite.base import unwrapped
from jaxenv_bsuite.checkpoints import Saved, Store
from jaxenv_bsuite.experiments import Batch, load_batches
from jaxenv_bsuite.sweep import EXPERIMENTS, select

CHUNK = 2000
"""Steps of each id between two looks at the results."""
SAVE_SECONDS = 20.0
"""Time between two saves of an unfinished batch."""

Progress = Callable[[str, int, int], None]
"""Called with a batch's name, how many of its episodes have ended, and how many there are."""
Rows = list[list[float]]


@struct.dataclass
class Sum:
    """A long float32 sum that keeps its small terms: ``low`` holds what rounding took from ``high`` (Knuth 1969)."""

    high: Array
    low: Array

    @classmethod
    def zero(cls) -> Sum:
        """Return the empty sum."""
        return cls(jnp.float32(0.0), jnp.float32(0.0))

    def add(self, term: Array) -> Sum:
        """Return the sum with one more term."""
        high = self.high + term
        share = high - self.high
        low = self.low + ((self.high - (high - share)) + (term - share))
        total = high + low
        return Sum(total, low - (total - high))


@struct.dataclass
class Lane:
    """Everything that changes while one id is played."""

    obs: Any
    state: Any
    memory: Any
    """The agent's."""
    steps: Array
    episode: Array
    """Episodes that ended."""
    length: Array
    """Steps of the running one."""
    episode_return: Sum
    total_return: Sum


class Outcome(NamedTuple):
    """What a step leaves for the log; of use where an episode ended."""

    ended: Array
    steps: Array
    episode: Array
    total_return: Sum
    length: Array
    episode_return: Sum
    counters: dict[str, Array]


def run(
    agent: str,
    names: Iterable[str],
    save_path: str | Path,
    *,
    seed: int = 0,
    episodes: int | None = None,
    overwrite: bool = False,
    mnist: Mapping[str, Any] | None = None,
    progress: Progress = lambda batch, done, total: None,
) -> tuple[str, ...]:
    """Let an agent play ids, and write their logs: one CSV file for each.

    An interrupted run goes on when it is called again: what is finished is left alone, the rest is taken up from the last
    save. What comes out for an id depends on the agent, the seed and the id, not on the others that are played beside it.

    Args:
        agent: ``"random"`` or ``"module:object"``; see :mod:`jaxenv_bsuite.agents`.
        names: ids, experiments, tags, ``"testing"`` or ``"all"``.
        save_path: the directory of the files; made if it is not there.
        seed: the seed of everything random.
        episodes: how many to play, if not bsuite's number.
        overwrite: remove the results in the directory and begin anew.
        mnist: fields of MNISTBandit, such as ``data_dir``.
        progress: called with the progress of each batch.

    Returns:
        The ids that the names stand for, all finished now.

    Raises:
        AgentError: there is no such agent.
        UnknownIdError: a name stands for nothing.
        RunMismatchError: the directory holds results of another agent, seed or setting.
    """
    factory, ids, mnist = find_agent(agent), select(names), dict(mnist or {})
    for experiment in EXPERIMENTS.values():  # before anything is played, or removed from the directory
        first = [bsuite_id for bsuite_id in experiment.ids if bsuite_id in ids][:1]
        for batch in load_batches(first, **(mnist if experiment.environment == "MNISTBandit" else {})):
            try_agent(agent, factory, batch.env, batch.each[0])
    store = Store(Path(save_path), {"agent": agent, "seed": seed, "episodes": episodes, "mnist": mnist}, overwrite=overwrite)
    for experiment in EXPERIMENTS.values():
        left = [bsuite_id for bsuite_id in experiment.ids if bsuite_id in ids and not store.finished(bsuite_id)]
        for batch in load_batches(left, **(mnist if experiment.environment == "MNISTBandit" else {})):
            _run_batch(factory, batch, store, seed, episodes or experiment.episodes, progress)
    store.close()
    return ids


def _run_batch(factory: AgentFactory, batch: Batch, store: Store, seed: int, episodes: int, progress: Progress) -> None:
    agent = factory(batch.env, batch.each[0])
    keys = _lane_keys(batch.ids, seed)
    saved = [store.load(bsuite_id) for bsuite_id in batch.ids]
    lanes = checkpoints.restore(_begin(batch.env, agent, batch.axes, keys, batch.params), saved, batch.ids)
    # One name for both, so that an interruption between two statements can't part them.
    stand: tuple[Lane, list[Rows]] = lanes, [[list(row) for row in one.rows] if one else [] for one in saved]
    label = batch.ids[0] if len(batch.ids) == 1 else f"{batch.ids[0].partition('/')[0]} ({len(batch.ids)} ids)"
    saved_at = time.monotonic()
    try:
        while True:
            ended = np.minimum(np.asarray(stand[0].episode), episodes)
            progress(label, int(ended.sum()), episodes * len(batch.ids))
            if (ended == episodes).all():
                break
            if time.monotonic() - saved_at > SAVE_SECONDS:
                _save(batch, store, stand, episodes)
                saved_at = time.monotonic()
            lanes, outcomes = _play(batch.env, agent, batch.axes, keys, batch.params, stand[0])
            stand = lanes, [old + new for old, new in zip(stand[1], _new_rows(batch, lanes, outcomes, episodes), strict=True)]
    finally:
        _save(batch, store, stand, episodes)


def _save(batch: Batch, store: Store, stand: tuple[Lane, list[Rows]], episodes: int) -> None:
    lanes, rows = stand
    task, state, params = unwrapped(batch.env, lanes.state, batch.each[0])
    columns = (*logs.BASE_COLUMNS, *task.bsuite_info(state, params))
    ended = np.asarray(lanes.episode)
    for index, bsuite_id in enumerate(batch.ids):
        saved = Saved(rows[index], checkpoints.leaves_of(lanes, index))
        store.save(bsuite_id, columns, saved, finished=bool(ended[index] >= episodes))


def _new_rows(batch: Batch, lanes: Lane, outcomes: Outcome, episodes: int) -> list[Rows]:
    """Return the rows that a chunk adds to each id's log, in float64."""
    rows: list[Rows] = [[] for _ in batch.ids]
    episode = np.asarray(outcomes.episode)
    due = np.asarray(outcomes.ended) & np.isin(episode, logs.logged_episodes(episodes))
    for step, index in np.argwhere(due):
        one: Outcome = jax.tree.map(lambda leaf, at=(step, index): np.asarray(leaf)[at], outcomes)
        task, state, params = unwrapped(batch.env, lanes.state, batch.each[index])
        info = task.bsuite_info(state.replace(**one.counters), params)
        values = (one.steps, one.episode, _value(one.total_return), one.length, _value(one.episode_return), *info.values())
        rows[index].append([np.asarray(value).item() for value in values])
    return rows


def _value(total: Sum) -> float:
    return float(total.high) + float(total.low)


def _lane_keys(ids: tuple[str, ...], seed: int) -> Array:
    numbers = jnp.array([zlib.crc32(bsuite_id.encode()) for bsuite_id in ids], jnp.uint32)
    return jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(numbers)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _begin(env: Environment[Any, Any], agent: Agent, axes: Any, keys: Array, params: Any) -> Lane:
    def one(key: Array, params: Any) -> Lane:
        key_env, key_agent = jax.random.split(jax.random.fold_in(key, 0))
        obs, state = env.reset(key_env, params)
        none = jnp.int32(0)
        return Lane(obs, state, agent.begin(key_agent), none, none, none, Sum.zero(), Sum.zero())

    return jax.vmap(one, in_axes=(0, axes))(keys, params)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _play(env: Environment[Any, Any], agent: Agent, axes: Any, keys: Array, params: Any, lanes: Lane) -> tuple[Lane, Outcome]:
    # All keys of a chunk at once: that is one vector operation, where a step's own would be many tiny ones.
    steps = lanes.steps[None] + 1 + jnp.arange(CHUNK, dtype=jnp.int32)[:, None]
    step_keys = jax.vmap(jax.vmap(_step_keys), in_axes=(None, 0))(keys, steps)
    step = jax.vmap(partial(_step, env, agent), in_axes=(0, axes, 0))
    return jax.lax.scan(lambda lanes, keys: step(keys, params, lanes), lanes, step_keys)


def _step_keys(key: Array, step: Array) -> tuple[Array, Array, Array]:
    key_act, key_env, key_learn = jax.random.split(jax.random.fold_in(key, step), 3)
    return key_act, key_env, key_learn


def _step(
    env: Environment[Any, Any], agent: Agent, keys: tuple[Array, Array, Array], params: Any, lane: Lane
) -> tuple[Lane, Outcome]:
    key_act, key_env, key_learn = keys
    action = agent.act(lane.memory, lane.obs, key_act)
    obs, state, reward, ended, info = env.step(key_env, lane.state, action, params)
    experience = Experience(lane.obs, action, reward, info["discount"], info["final_observation"])
    memory = agent.learn(lane.memory, experience, key_learn)
    task, inner, _ = unwrapped(env, state, params)
    outcome = Outcome(
        ended=ended,
        steps=lane.steps + 1,
        episode=lane.episode + ended.astype(jnp.int32),
        total_return=lane.total_return.add(reward),
        length=lane.length + 1,
        episode_return=lane.episode_return.add(reward),
        counters={name: getattr(inner, name) for name in task.counters},
    )
    started = jax.tree.map(lambda old, zero: jnp.where(ended, zero, old), outcome.episode_return, Sum.zero())
    length = jnp.where(ended, 0, outcome.length)
    return Lane(obs, state, memory, outcome.steps, outcome.episode, length, started, outcome.total_return), outcome
