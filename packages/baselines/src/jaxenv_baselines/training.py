"""Training members side by side, in pieces between which progress is reported and kept: whatever the algorithm.

An interrupted training goes on from where it was kept and ends where an uninterrupted one would, bit for bit on one device: all
that it depends on is kept, and one compiled program makes any number of updates.
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

from jaxenv_baselines import agent, evaluation, files
from jaxenv_baselines.algorithms import Algorithm, algorithm, settings_of
from jaxenv_baselines.errors import DamagedAgentError, DirectoryTakenError, NotWrittenError, OtherTrainingError
from jaxenv_baselines.tasks import Task

CHOOSE_BY = 256
"""Episodes that choose one of several members; others judge it."""
CHECKPOINT, METRICS, CURVE = "training.safetensors", "metrics.jsonl", "curve.png"


class Report(NamedTuple):
    """How a training goes: means over the updates since the report before."""

    steps: int
    """Steps so far, of each member."""
    total_steps: int
    """Steps of the whole training, of each member."""
    seconds: float
    """Seconds that training took so far, compilation included; of earlier sessions, too."""
    steps_per_second: float
    """Of all members together, since the report before."""
    metrics: dict[str, list[float | None]]
    """For each member: ``return_mean`` and ``length_mean`` of the ``episodes`` that ended (None if none did), and what the
    algorithm says, such as losses."""

    @property
    def return_mean(self) -> float:
        """The members' median return; NaN if no episode ended."""
        known = [value for value in self.metrics["return_mean"] if value is not None]
        return float(np.median(known)) if known else math.nan


class Programs(NamedTuple):
    """What is compiled for a training; each is given the task and the config first."""

    begin: Any
    """``(keys)``: the members before the first update."""
    advance: Any
    """``(state, until)``: the members after so many updates, and sums of what happened."""
    finish: Any
    """``(state, key)``: the parameters of the members' policies, and the episodes that they play."""


@dataclass
class Training:
    """A training of several members, which differ in nothing but their keys, unless leaves of the config are ``[members]``."""

    spec: EnvSpec
    """The environment."""
    overrides: dict[str, Any]
    """Arguments of ``make`` besides the id."""
    name: str
    """Of the algorithm."""
    config: Any
    """Its config."""
    seed: int = 0
    """Member ``i`` has the key ``split(jaxenv.random.key(seed), members)[i]``."""
    members: int = 1
    """How many are trained."""
    reports: int = 50
    """How often progress is reported, at most."""
    episodes: int = 1000
    """Whole episodes that judge the agent at the end."""
    half: bool = False
    """Whether the agent's floats are rounded to float16; it is judged with these."""
    task: Task = field(init=False)
    """The environment with its params."""
    state: Any = field(init=False, default=None)
    """The members' trainings, leaves ``[members, ...]``; None before it begins."""
    updates: int = field(init=False, default=0)
    """Updates made."""
    seconds: float = field(init=False, default=0.0)
    """Seconds that they took, compilation included."""
    compile_seconds: float = field(init=False, default=0.0)
    """Seconds that compilation took, in this session."""
    programs: Programs | None = field(init=False, default=None, repr=False)
    """What is compiled."""
    lines: list[dict[str, Any]] = field(init=False, default_factory=list)
    """What was reported, as in the file of metrics."""

    def __post_init__(self) -> None:
        """Build the environment, and refuse what can't be trained before any work is done."""
        env, params = jaxenv.make(self.spec, **self.overrides)
        self.task = Task.of(env, params)
        self.algorithm.check(self.task, self.config)

    @property
    def algorithm(self) -> Algorithm:
        """The module of the algorithm."""
        return algorithm(self.name)

    @property
    def num_updates(self) -> int:
        """Updates of the whole training."""
        return self.algorithm.num_updates(self.config)

    @property
    def steps(self) -> int:
        """Steps so far, of each member."""
        return self.updates * self.algorithm.steps_per_update(self.config)

    # -- training ----------------------------------------------------------------------------------------------

    def compile(self) -> None:
        """Compile everything that the training and its evaluation run, side by side, unless that is done. Threads may call it."""
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

    def run(self) -> Iterator[Report]:
        """Train to the end, and report on the way. May be left and called again at any report."""
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
            report = Report(
                steps=self.steps,
                total_steps=total * self.algorithm.steps_per_update(self.config),
                seconds=self.seconds,
                steps_per_second=played / (now - start),
                metrics=_means(sums, made),
            )
            self.lines.append({name: getattr(report, name) for name in ("steps", "seconds", "steps_per_second")} | report.metrics)
            yield report

    def evaluate(self) -> tuple[int, Any, dict[str, Any]]:
        """Let every member play whole episodes, choose the best by the first of them, and judge it by the others.

        Returns:
            Its number, its policy's parameters, and the summary of its returns (see :mod:`jaxenv_baselines.evaluation`).
        """
        with quiet():
            self.compile()
        assert self.programs is not None
        key = jaxenv.random.fold_in(jaxenv.random.key(self.seed), 2**31)
        all_params, played = self.programs.finish(self.task, self.config, self.state, key)
        aside = self._to_play[0] - self.episodes
        best = int(jnp.argmax(played.returns[:, :aside].mean(axis=1))) if aside else 0
        judged = jax.tree.map(lambda leaf: leaf[best, aside:], played)
        return best, jax.tree.map(lambda leaf: leaf[best], all_params), evaluation.summary(judged)

    def save_agent(self, directory: Path) -> dict[str, Any]:
        """Choose, evaluate and write the agent; return its description."""
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

    def keep(self, directory: Path) -> None:
        """Write where the training stands, and what was reported so far.

        Raises:
            NotWrittenError: it can't be written.
        """
        about = {**self._about(), "updates": self.updates, "seconds": self.seconds, "lines": self.lines}
        files.write(directory / CHECKPOINT, files.packed(self.state, {"training": json.dumps(about)}))
        files.write(directory / METRICS, "".join(f"{json.dumps(line)}\n" for line in self.lines).encode())

    def require_writable(self, directory: Path) -> None:
        """Find out, before any work, whether files can be written.

        Raises:
            NotWrittenError: they can't.
        """
        probe = directory / "writable"
        try:
            files.write(probe, b"")
        except NotWrittenError as error:
            reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else None
            raise NotWrittenError(directory, reason or "it is no folder") from error
        probe.unlink()

    def resume(self, directory: Path) -> None:
        """Go on from where a directory stands; from the beginning if nothing was kept there yet.

        Raises:
            OtherTrainingError: what was kept is of another training.
            DamagedAgentError: it is not what was written.
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
        for name, wanted in self._about().items():
            found = about.get(name)
            if found != wanted and name == "config" and isinstance(found, dict):
                name = next(key for key in wanted if found.get(key) != wanted[key])
                found, wanted = found.get(name), wanted[name]
            if found != wanted:
                raise OtherTrainingError(directory, name, found, wanted)
        shapes = jax.eval_shape(partial(_begin, self.name), self.task, self.config, self._keys())
        self.state = files.unpacked(file, data, shapes)
        self.updates, self.seconds, self.lines = updates, seconds, lines

    def _about(self) -> dict[str, Any]:
        """Return, as JSON gives it back, what two trainings must have in common for one to go on with the other."""
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
        """Episodes of each member, and steps after which one is left."""
        return self.episodes + (CHOOSE_BY if self.members > 1 else 0), evaluation.max_steps(self.task.time_limit)

    def _keys(self) -> Array:
        return jaxenv.random.split(jaxenv.random.key(self.seed), self.members)


@contextmanager
def quiet() -> Generator[None]:
    """Say nothing of networks that are too large for a kernel of the whole rollout: the steps are kernels all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JaxenvPerformanceWarning)
        yield


def require_free(directory: Path) -> None:
    """Refuse a directory that holds a training.

    Raises:
        DirectoryTakenError: it does.
    """
    if (directory / CHECKPOINT).exists() or (directory / agent.DESCRIPTION).exists():
        raise DirectoryTakenError(directory)


def _over_members(function: Callable[..., Any], task: Task, config: Any, *arguments: Any) -> Any:
    """Call a function of one member for all of them; leaves of the config may be ``[members]``."""
    axes = jax.tree.map(lambda leaf: 0 if jnp.ndim(leaf) else None, config)
    return jax.vmap(partial(function, task), in_axes=(axes, *(0,) * len(arguments)))(config, *arguments)


def _begin(name: str, task: Task, config: Any, keys: Array) -> Any:
    return _over_members(algorithm(name).begin, task, config, keys)


def _finish(name: str, to_play: tuple[int, int], half: bool, task: Task, config: Any, state: Any, key: Array) -> tuple[Any, Any]:
    module = algorithm(name)
    policy_params = _over_members(module.policy_params, task, config, state)
    if half:
        policy_params = jax.tree.map(agent.rounded, policy_params)
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
    """Make updates until so many are made; return sums of what happened in them."""
    one = partial(_over_members, algorithm(name).update, task, config)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(lambda: one(state)[1]))

    def body(_: Array, loop: tuple[Any, Any]) -> tuple[Any, Any]:
        state, happened = one(loop[0])
        return state, jax.tree.map(jnp.add, loop[1], happened)

    made = state.updates.ravel()[0]  # of the first member: all have made as many
    return jax.lax.fori_loop(made, until, body, (state, nothing))


def _means(sums: dict[str, Any], updates: int) -> dict[str, list[float | None]]:
    """Return means from sums over updates, for each member."""
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
