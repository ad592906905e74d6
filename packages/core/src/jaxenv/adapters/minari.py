"""Rollouts as Minari data sets, for offline learning.

>>> import jax, jaxenv
>>> from jaxenv.adapters.minari import create_dataset
>>> env, params = jaxenv.make("CartPole-v1")
>>> result = jaxenv.rollout(env, params, None, jax.random.key(0), num_envs=8, num_steps=500)
>>> dataset = create_dataset("cartpole/random-v0", "CartPole-v1", result.trajectory)  # doctest: +SKIP

``jaxenv rollout CartPole-v1 --minari cartpole/random-v0`` does the same.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import jax
import numpy as np

from jaxenv.episodes import Trajectory
from jaxenv.errors import DatasetNameError, MissingExtraError
from jaxenv.registry import EnvSpec

try:
    importlib.import_module("h5py")  # Minari imports it when it writes
    minari: Any = importlib.import_module("minari")
    from minari.data_collector import EpisodeBuffer  # pyright: ignore[reportMissingImports]
    from minari.dataset.minari_dataset import parse_dataset_id  # pyright: ignore[reportMissingImports]
    from minari.storage.datasets_root_dir import get_dataset_path  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise MissingExtraError("minari[hdf5]", "minari", "writing Minari data sets") from error

from jaxenv.adapters import _gymnasium_members as members
from jaxenv.adapters.gymnasium import GymnasiumEnv, gymnasium_spec


def create_dataset(name: str, env: str | EnvSpec, trajectory: Trajectory, **settings: Any) -> Any:
    """Write a trajectory as a Minari data set.

    Each episode of each environment becomes an episode of the data set, in the order of environments. Observations and actions have
    the dtypes of Gymnasium's spaces. Where the end of the rollout cut an episode off, its last step is marked as truncated.
    ``dataset.recover_environment()`` gives the environment, for Gymnasium.

    Args:
        name: the name of the data set, such as ``"cartpole/random-v0"``.
        env: the id that the rollout played.
        trajectory: what :func:`jaxenv.rollout` returned as ``trajectory``, with ``final_observation`` in its ``info``.
        **settings: what was given to ``make`` beside the id; and what else ``minari.create_dataset_from_buffers`` takes, such as
            ``author``, ``algorithm_name`` and ``description``.

    Returns:
        The data set, a ``minari.MinariDataset``.

    Raises:
        DatasetNameError: Minari can't make a data set of this name, or there is one.
    """
    known = inspect.signature(minari.create_dataset_from_buffers).parameters
    described = {key: value for key, value in settings.items() if key in known}
    overrides = {key: value for key, value in settings.items() if key not in known}
    check_name(name)
    ours = GymnasiumEnv(env, **overrides)
    if "jpeg_encoding" in known:  # it would change pictures
        described.setdefault("jpeg_encoding", False)
    spaces = ours.observation_space, ours.action_space
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is set to None", UserWarning)  # an author, say: whoever wants to tells it
        return minari.create_dataset_from_buffers(
            name,
            episodes(trajectory, *spaces),
            env=gymnasium_spec(env, overrides),
            observation_space=spaces[0],
            action_space=spaces[1],
            **described,
        )


def check_name(name: str) -> None:
    """Refuse the name of a data set that Minari can't make, or that exists.

    Args:
        name: the name, such as ``"cartpole/random-v0"``.

    Raises:
        DatasetNameError: Minari can't make a data set of this name, or there is one.
    """
    try:
        parse_dataset_id(name)
    except ValueError:
        raise DatasetNameError(name, "is none of Minari's names", "Write a name such as cartpole/random-v0") from None
    if get_dataset_path(name).exists():
        raise DatasetNameError(name, "is there already", "Choose another version, or run: minari delete " + name)


def episodes(trajectory: Trajectory, observation_space: Any, action_space: Any) -> list[EpisodeBuffer]:
    """Split a trajectory into episodes.

    Args:
        trajectory: the ``trajectory`` of a rollout, with ``final_observation`` in its ``info``.
        observation_space: Gymnasium's space of observations.
        action_space: Gymnasium's space of actions.

    Returns:
        The episodes as Minari's buffers, in the order of environments.
    """
    host: Trajectory = jax.tree.map(np.asarray, trajectory._replace(state=None))
    info = dict(host.info)
    final, terminated, truncated = info.pop("final_observation"), info.pop("terminated"), info.pop("truncated")
    num_steps, num_envs = host.done.shape
    buffers: list[EpisodeBuffer] = []
    for index in range(num_envs):
        ends = [*np.flatnonzero(host.done[:, index]) + 1, num_steps]
        begins = [0, *ends[:-1]]
        for begin, end in zip(begins, ends, strict=True):
            if begin == end:  # the last episode ended with the rollout
                continue
            part = (slice(begin, end), index)
            first = jax.tree.map(lambda leaf, begin=begin, index=index: leaf[begin : begin + 1, index], host.obs)
            rest = jax.tree.map(lambda leaf, part=part: leaf[part], final)
            obs = jax.tree.map(lambda one, others: np.concatenate([one, others]), first, rest)
            cut = truncated[part].copy()
            cut[-1] |= not host.done[end - 1, index]
            buffers.append(
                EpisodeBuffer(
                    id=len(buffers),
                    observations=members.cast(observation_space, obs),
                    actions=members.cast(action_space, jax.tree.map(lambda leaf, part=part: leaf[part], host.action)),
                    rewards=host.reward[part],
                    terminations=terminated[part],
                    truncations=cut,
                    infos=None,
                )
            )
    return buffers
