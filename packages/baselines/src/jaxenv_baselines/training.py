"""Training of several members at once, with progress reports and checkpoints, for any algorithm.

A training that resumes from a checkpoint ends where an uninterrupted one would, bit for bit on one device: the checkpoint holds
the whole state, and one compiled program makes any number of updates.
"""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jax import Array
from jaxenv import EnvSpec
from jaxenv.errors import JaxenvPerformanceWarning
from jaxenv.evaluation import Evaluation

from jaxenv_baselines import agent, evaluation, files, limits
from jaxenv_baselines.algorithms import Algorithm, algorithm, settings_of
from jaxenv_baselines.errors import DamagedAgentError, DirectoryTakenError, NotWrittenError, OtherTrainingError
from jaxenv_baselines.tasks import Task

CHOOSE_BY = 256
"""Episodes that select the best of several members; other episodes evaluate it, so that the estimate is not biased."""
CHECKPOINT, METRICS, CURVE, SWEEP = "training.safetensors", "metrics.jsonl", "curve.png", "sweep.json"


class TrainingProgress(NamedTuple):
    """Progress of a training: metrics are means over the updates since the previous report."""

    steps: int
    """Environment steps so far, per member."""
    total_steps: int
    """Environment steps of the whole training, per member."""
    seconds: float
    """Seconds so far, including compilation and the time before a resume."""
    steps_per_second: float
    """Environment steps per second of all members together, since the previous report."""
    metrics: dict[str, list[float | None]]
    """One value per member: ``return_mean`` and ``length_mean`` of the ``episodes`` that ended (None if none did), and the
    algorithm's own metrics, such as losses."""

    @property
    def return_mean(self) -> float:
        """The members' median return; NaN if no episode ended."""
        known = [value for value in self.metrics["return_mean"] if value is not None]
        return float(np.median(known)) if known else math.nan

    @property
    def scalars(self) -> dict[str, float]:
        """All numbers by name, for a logger: ``return_mean/0`` is that of member 0. Missing numbers are left out."""
        by_member = {
            f"{name}/{member}": value
            for name, values in self.metrics.items()
            for member, value in enumerate(values)
            if value is not None
        }
        return {**by_member, "seconds": self.seconds, "steps_per_second": self.steps_per_second}


class Programs(NamedTuple):
    """Compiled programs; each takes the task and the config first."""

    begin: Any
    """``(keys)``: the initial state of the members."""
    advance: Any
    """``(state, until)``: the state after ``until`` updates, and summed metrics."""
    finish: Any
    """``(state, key)``: the members' policy parameters, and their evaluation."""


@dataclass
class Training:
    """A training of several members with different keys; leaves of the config may be arrays ``[members]``."""

    spec: EnvSpec
    """The environment."""
    overrides: dict[str, Any]
    """Keyword arguments of ``make``."""
    name: str
    """Name of the algorithm."""
    config: Any
    """Config of the algorithm."""
    seed: int = 0
    """Member ``i`` has the key ``split(jaxenv.random.key(seed), members)[i]``, unless ``repeats`` is set."""
    members: int = 1
    """Number of members."""
    reports: int = 50
    """Largest number of progress reports."""
    episodes: int = 1000
    """Episodes that evaluate the agent at the end."""
    half: bool = False
    """Whether the agent's weights are rounded to float16, before it is evaluated."""
    repeats: int = 1
    """Number of times that the members' keys are repeated: with 2, the second half has the keys of the first, for other configs."""
    task: Task = field(init=False)
    """The environment with its params."""
    state: Any = field(init=False, default=None)
    """State of the members, leaves ``[members, ...]``; None before the first update."""
    updates: int = field(init=False, default=0)
    """Number of updates made."""
    seconds: float = field(init=False, default=0.0)
    """Seconds they took, including compilation."""
    compile_seconds: float = field(init=False, default=0.0)
    """Seconds of compilation in this process."""
    programs: Programs | None = field(init=False, default=None, repr=False)
    """The compiled programs; None before :meth:`compile`."""
    lines: list[dict[str, Any]] = field(init=False, default_factory=list)
    """Reported metrics, as in ``metrics.jsonl``."""

    def __post_init__(self) -> None:
        """Make the environment and check the config, before any work."""
        env, params = jaxenv.make(self.spec, **self.overrides)
        self.task = Task.of(env, params)
        self.algorithm.check(self.task, self.config)

    @property
    def algorithm(self) -> Algorithm:
        """The module of the algorithm."""
        return algorithm(self.name)

    @property
    def num_updates(self) -> int:
        """Number of updates of the whole training."""
        return self.algorithm.num_updates(self.config)

    @property
    def steps(self) -> int:
        """Environment steps so far, per member."""
        return self.updates * self.algorithm.steps_per_update(self.config)

    # -- training ----------------------------------------------------------------------------------------------

    def compile(self) -> None:
        """Compile training and evaluation in parallel; does nothing the second time. Threads may call it."""
        if self.programs is not None:
            return
        clock = time.perf_counter()
        keys = self._keys()
        state = jax.eval_shape(partial(_begin, self.name), self.task, self.config, keys)
        over = partial(jax.jit, static_argnums=0)
        lowered = (
            over(_begin).lower(self.name, self.task, self.config, keys),
            over(_advance).lower(self.name, self.task, self.config, state, jnp.int32(0)),
            over(_finish, static_argnums=(0, 1, 2)).lower(
                self.name, self._to_play, self.half, self.task, self.config, state, keys[0]
            ),
        )
        with ThreadPoolExecutor() as pool:
            self.programs = Programs(*pool.map(lambda program: program.compile(), lowered))
        self.compile_seconds = time.perf_counter() - clock

    def run(self) -> Iterator[TrainingProgress]:
        """Train to the end and yield progress reports. The loop may stop at any report; a later call continues."""
        total = self.num_updates
        ends = sorted({-(-total * number // self.reports) for number in range(1, self.reports + 1)})
        clock = time.perf_counter()
        with quiet():
            self.compile()
        assert self.programs is not None
        if self.state is None:
            self.state = self.programs.begin(self.task, self.config, self._keys())
        for end in ends:
            if end <= self.updates:
                continue
            start = time.perf_counter()
            state, sums = self.programs.advance(self.task, self.config, self.state, jnp.int32(end))
            sums = jax.device_get(sums)
            now = time.perf_counter()
            made = end - self.updates
            self.state, self.updates, self.seconds, clock = state, end, self.seconds + now - clock, now
            played = made * self.algorithm.steps_per_update(self.config) * self.members
            report = TrainingProgress(
                steps=self.steps,
                total_steps=total * self.algorithm.steps_per_update(self.config),
                seconds=self.seconds,
                steps_per_second=played / (now - start),
                metrics=_means(sums, made),
            )
            self.lines.append({name: getattr(report, name) for name in ("steps", "seconds", "steps_per_second")} | report.metrics)
            yield report

    def evaluate(self) -> tuple[int, Any, dict[str, Any]]:
        """Evaluate all members on whole episodes, and select the best.

        The first ``CHOOSE_BY`` episodes select, the others give the returns; a single member needs no selection.

        Returns:
            Index of the best member, its policy parameters, and the summary of its returns (:mod:`jaxenv_baselines.evaluation`).
        """
        all_params, played = self.play()
        aside = self._to_play[0] - self.episodes
        best = int(jnp.argmax(played.returns[:, :aside].mean(axis=1))) if aside else 0
        evaluated = jax.tree.map(lambda leaf: leaf[best, aside:], played)
        return best, jax.tree.map(lambda leaf: leaf[best], all_params), evaluation.summary(evaluated)

    def play(self) -> tuple[Any, Evaluation]:
        """Evaluate all members.

        Returns:
            Policy parameters, leaves ``[members, ...]``, and their episodes, leaves ``[members, num_episodes]``.
        """
        with quiet():
            self.compile()
        assert self.programs is not None
        return self.programs.finish(self.task, self.config, self.state, self._evaluation_key(0))

    def evaluate_once(self, policy_params: Any) -> dict[str, Any]:
        """Evaluate the policy parameters of one member on ``episodes`` new episodes, and return the summary of its returns."""
        with quiet():
            played = jaxenv.evaluate(
                self.task.env,
                self.task.params,
                self.algorithm.policy(self.task, self.config),
                self._evaluation_key(1),
                num_episodes=self.episodes,
                policy_params=policy_params,
                initial_carry=self.algorithm.initial_carry(self.task, self.config),
                max_steps=self._to_play[1],
            )
        return evaluation.summary(played)

    def _evaluation_key(self, number: int) -> Array:
        return jaxenv.random.fold_in(jaxenv.random.key(self.seed), 2**31 + number)

    def save_agent(self, directory: Path) -> dict[str, Any]:
        """Evaluate the members, write the best agent, and return its description."""
        best, chosen, returns = self.evaluate()
        described = agent.description(
            self.spec,
            self.overrides,
            self.name,
            self.config,
            seed=self.seed,
            member=best,
            steps=self.steps,
            seconds=self.seconds,
            returns=returns,
        )
        agent.save(directory, described, chosen, half=self.half)
        return described

    # -- files -------------------------------------------------------------------------------------------------

    def save_checkpoint(self, directory: Path) -> None:
        """Write a checkpoint and the metrics so far.

        Raises:
            NotWrittenError: a file can't be written.
        """
        about = {**self._identity(), "updates": self.updates, "seconds": self.seconds, "lines": self.lines}
        files.write(directory / CHECKPOINT, files.packed(self.state, {"training": json.dumps(about)}))
        files.write(directory / METRICS, "".join(f"{json.dumps(line)}\n" for line in self.lines).encode())

    def resume(self, directory: Path) -> None:
        """Load the checkpoint of a directory; without one, training starts from the beginning.

        Raises:
            OtherTrainingError: the checkpoint is of another training.
            DamagedAgentError: the checkpoint is damaged.
        """
        file = directory / CHECKPOINT
        if not file.exists():
            return
        data = files.read(file)
        try:
            about = json.loads(files.metadata_of(file, data)["training"])
            updates, seconds, lines = int(about["updates"]), float(about["seconds"]), list(about["lines"])
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedAgentError(file, "its description can't be read") from error
        for name, wanted in self._identity().items():
            found = about.get(name)
            if found != wanted and name == "config" and isinstance(found, dict):
                name = next(key for key in wanted if found.get(key) != wanted[key])
                found, wanted = found.get(name), wanted[name]
            if found != wanted:
                raise OtherTrainingError(directory, name, found, wanted)
        shapes = jax.eval_shape(partial(_begin, self.name), self.task, self.config, self._keys())
        self.state = files.unpacked(file, data, shapes)
        self.updates, self.seconds, self.lines = updates, seconds, lines

    def _identity(self) -> dict[str, Any]:
        """Return, as JSON data, what must be equal for a training to resume from a checkpoint."""
        about = {
            "environment": self.spec.id,
            "overrides": self.overrides,
            "algorithm": self.name,
            "config": settings_of(self.config),
            "seed": self.seed,
            "seeds": self.members,
        }
        return json.loads(json.dumps(about))

    @property
    def _to_play(self) -> tuple[int, int]:
        """Episodes per member, and steps after which an episode is cut."""
        return self.episodes + (CHOOSE_BY if self.members > 1 else 0), limits.max_steps(self.task.time_limit)

    def _keys(self) -> Array:
        keys = jaxenv.random.split(jaxenv.random.key(self.seed), self.members // self.repeats)
        return jnp.concatenate([keys] * self.repeats)


@contextmanager
def quiet() -> Generator[None]:
    """Silence the warning that a network is too large for one kernel per rollout; environment steps are still kernels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JaxenvPerformanceWarning)
        yield


def require_writable(directory: Path) -> None:
    """Check that files can be written to a directory.

    Raises:
        NotWrittenError: they can't.
    """
    probe = directory / "writable"
    try:
        files.write(probe, b"")
    except NotWrittenError as error:
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else None
        if directory.exists() and not directory.is_dir():
            reason = "it is not a directory"
        raise NotWrittenError(directory, reason or "it is not a directory") from error
    probe.unlink()


def require_free(directory: Path, *, resumable: bool = True) -> None:
    """Check that a directory holds neither a training nor a search.

    Args:
        directory: the directory.
        resumable: whether the caller could resume a training; the message suggests it.

    Raises:
        DirectoryTakenError: it holds one.
    """
    if (directory / SWEEP).exists():
        raise DirectoryTakenError(directory, "a search")
    if (directory / CHECKPOINT).exists() or (directory / agent.DESCRIPTION).exists():
        raise DirectoryTakenError(directory, "a training", resumable=resumable)


def _over_members(function: Callable[..., Any], task: Task, config: Any, *arguments: Any) -> Any:
    """Apply ``jax.vmap`` over the members to a function of one; leaves of the config may be ``[members]``."""
    axes = jax.tree.map(lambda leaf: 0 if jnp.ndim(leaf) else None, config)
    return jax.vmap(partial(function, task), in_axes=(axes, *(0,) * len(arguments)))(config, *arguments)


def _begin(name: str, task: Task, config: Any, keys: Array) -> Any:
    return _over_members(algorithm(name).begin, task, config, keys)


def _finish(name: str, to_play: tuple[int, int], half: bool, task: Task, config: Any, state: Any, key: Array) -> tuple[Any, Any]:
    module = algorithm(name)
    policy_params = _over_members(module.policy_params, task, config, state)
    if half:
        policy_params = agent.rounded(policy_params)
    played = jaxenv.evaluate(
        task.env,
        task.params,
        module.policy(task, config),
        key,
        num_episodes=to_play[0],
        policy_params=policy_params,
        policy_params_axis=0,
        initial_carry=module.initial_carry(task, config),
        max_steps=to_play[1],
    )
    return policy_params, played


def _advance(name: str, task: Task, config: Any, state: Any, until: Array) -> tuple[Any, dict[str, Array]]:
    """Make updates until ``until`` are made; return the state and summed metrics."""
    one = partial(_over_members, algorithm(name).update, task, config)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(lambda: one(state)[1]))

    def body(_: Array, loop: tuple[Any, Any]) -> tuple[Any, Any]:
        state, metrics = one(loop[0])
        return state, jax.tree.map(jnp.add, loop[1], metrics)

    made = state.updates.ravel()[0]  # of the first member: all have made as many
    return jax.lax.fori_loop(made, until, body, (state, zeros))


def _means(sums: dict[str, Any], updates: int) -> dict[str, list[float | None]]:
    """Return means from sums over updates, one value per member."""
    episodes = np.asarray(sums["episodes"], np.float64)

    def plain(values: Any) -> list[float | None]:
        return [float(value) if math.isfinite(value) else None for value in np.asarray(values, np.float64)]

    means: dict[str, list[float | None]] = {"episodes": plain(episodes)}
    for name, values in sums.items():
        if name.endswith("_sum"):
            with np.errstate(invalid="ignore", divide="ignore"):
                means[f"{name.removesuffix('_sum')}_mean"] = plain(np.asarray(values, np.float64) / episodes)
        elif name != "episodes":
            means[name] = plain(np.asarray(values, np.float64) / updates)
    return means
