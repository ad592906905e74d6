"""Fidelity reports for bsuite: lockstep runs against the installed reference, which is handed our draws.

Our side plays through the public ``step``, automatic resets included. What it drew is recorded, or read off its states and
observations, and the reference's random generator is replaced by one that returns these draws, in the order in which the reference
must ask for them. So both sides play the same game, and any difference is one of rules.

Where the state is continuous, float32 and the reference's float64 drift apart. There the reference is set to our state before every
step, so that each transition is compared by itself; under x64 only now and then.
"""

from __future__ import annotations

import collections
import contextlib
import importlib.metadata
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import Environment, make
from jaxenv.registry.spec import EnvSpec
from jaxenv.testing.fidelity import FidelityReport, Quantity
from jaxenv.testing.lockstep import RecordDraws, ScriptedGenerator
from jaxenv.wrappers import reward_noise

from jaxenv_bsuite.base import unwrapped
from jaxenv_bsuite.reference import MARGIN, REFERENCE_TASKS, calls, load_id, random_images
from jaxenv_bsuite.sweep import SETTINGS

RANDOMNESS = (1.0, 0.6, 0.1, 0.0)
"""Share of random actions of each policy; the other actions are the expert's."""
STEADY_STEPS = 25
"""How long a continuous task runs freely under x64: whoever balances a pole amplifies rounding e-fold every fifth of a second."""
CHUNK = 250
"""Steps of each policy that are held in memory at once."""
ROUNDED = 1e-6
"""Tolerance of what is handed out in float32: rewards, and the observations of continuous tasks under x64."""


class RecordedStep(NamedTuple):
    """One step of our side. States are those of the environment beneath the wrappers; all values are NumPy's."""

    before: Any
    action: Any
    final_obs: Any
    reward: Any
    terminated: Any
    truncated: Any
    discount: Any
    obs: Any
    after: Any
    drawn: Any
    """What the step drew."""


class LargestDifferences:
    """The largest difference of each quantity."""

    def __init__(self, tolerances: dict[str, float]) -> None:
        self._tolerances = tolerances
        self._compared: collections.Counter[str] = collections.Counter()
        self._largest = dict.fromkeys(tolerances, 0.0)

    def compare(self, name: str, ours: Any, theirs: Any) -> None:
        """Add a comparison: the largest difference, relative where the reference is above 1; infinite between different shapes."""
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if ours.shape == theirs.shape:
            difference = float(np.max(np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs)), initial=0.0))
        else:
            difference = np.inf
        self._compared[name] += 1
        self._largest[name] = max(self._largest[name], difference)

    def quantities(self) -> tuple[Quantity, ...]:
        """Return everything that was compared."""
        return tuple(Quantity(name, self._compared[name], self._largest[name], self._tolerances[name]) for name in self._compared)


class LockstepRun:
    """One policy's run on both sides."""

    def __init__(
        self, spec: EnvSpec, env: Environment[Any, Any], params: Any, differences: LargestDifferences, single: bool
    ) -> None:
        self._env, _, self._params = unwrapped(env, None, params)
        self._reference = REFERENCE_TASKS[type(self._env).__name__]
        self._theirs = load_id(spec.name) if spec.name in SETTINGS else self._reference.build(self._env, self._params)
        self._raw = getattr(self._theirs, "raw_env", self._theirs)
        self._draws, self._noise = ScriptedGenerator("bsuite"), ScriptedGenerator("bsuite")
        if self._raw is not self._theirs:
            self._theirs._rng = self._noise
        self._raw._rng = self._draws
        self._differences, self._single, self._every = differences, single, 1 if single else STEADY_STEPS

    def begin(self, state: Any, obs: Any) -> None:
        """Begin an episode on the reference's side, and compare its first observation."""
        self._draws.push(calls(self._reference.reset_draws(self._env, vars(state), obs)))
        self._differences.compare("observation", obs, self._theirs.reset().observation)

    def play(self, record: RecordedStep) -> bool:
        """Take one step; whether it was compared, which it is not within the margin of a threshold."""
        reference = self._reference
        if reference.put and record.before.time % self._every == 0:
            reference.put(self._raw, vars(record.before))
        if reference.recount and self._single:
            reference.recount(self._raw, vars(record.before), self._info(record.before))
        self._draws.push(calls(reference.step_draws(self._env, self._raw, record)))
        if isinstance(record.drawn, reward_noise.Draws):
            self._noise.push(calls([("randn", float(record.drawn.noise))]))
        step = self._theirs.step(int(record.action))
        compared = not (self._single and reference.margin(self._raw) < MARGIN)
        if compared:
            self._compare(step, record)
        if record.terminated:
            self.begin(record.after, record.obs)
        return compared

    def _compare(self, step: Any, record: RecordedStep) -> None:
        compare = self._differences.compare
        compare("observation", record.final_obs, step.observation)
        compare("reward", record.reward, step.reward)
        compare("terminated", record.terminated, step.last())
        compare("truncated", record.truncated, False)
        compare("discount", record.discount, step.discount)
        for name, theirs in self._theirs.bsuite_info().items():
            compare(f"bsuite_info.{name}", self._info(record.after)[name], theirs)
        if self._reference.state and self._reference.their_state and not record.terminated:
            compare("state", self._reference.state(vars(record.after)), self._reference.their_state(self._raw))

    def _info(self, state: Any) -> dict[str, Any]:
        return self._env.bsuite_info(state, self._params)


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    """Play ``transitions`` steps of a registered environment on both sides, and compare everything that can be observed."""
    mnist = "MNISTBandit" in spec.entry_point
    with random_images(seed) if mnist else contextlib.nullcontext(None) as data_dir:
        env, params = make(spec, **({"data_dir": data_dir} if mnist else {}))
        return _compare(spec, env, params, transitions, seed)


def _compare(spec: EnvSpec, env: Environment[Any, Any], params: Any, transitions: int, seed: int) -> FidelityReport:
    reference = REFERENCE_TASKS[type(env.unwrapped).__name__]
    single = reference.put is not None and jnp.result_type(float) != jnp.float64
    differences = LargestDifferences(_tolerances(reference.state is not None, single))
    (obs, states), chunks = _play(RecordDraws(env), params, transitions, seed)
    runs = [LockstepRun(spec, env, params, differences, single) for _ in RANDOMNESS]
    for index, run in enumerate(runs):
        run.begin(_at(states, index), obs[index])
    played = compared = episodes = 0
    for record in chunks:
        for step in range(len(record.reward)):
            for index, run in enumerate(runs[: transitions - played]):
                one = RecordedStep(*(_at(value, (step, index)) for value in record))
                compared += run.play(one)
                episodes += bool(one.terminated)
                played += 1
    version = importlib.metadata.version("bsuite")
    return FidelityReport(
        spec.id, "bsuite", version, played, episodes, differences.quantities(), _notes(reference, single, played - compared)
    )


def _tolerances(continuous: bool, single: bool) -> dict[str, float]:
    exact = dict.fromkeys(("observation", "terminated", "truncated", "discount"), 0.0)
    counts = {f"bsuite_info.{name}": 1e-9 for name in ("total_regret", "raw_return", "best_episode", "total_upright")}
    counts |= {f"bsuite_info.{name}": 0.0 for name in ("total_bad_episodes", "denoised_return", "total_perfect")}
    floats = {"observation": 1e-5 if single else ROUNDED, "state": 1e-5 if single else 1e-10} if continuous else {}
    return exact | counts | {"reward": ROUNDED} | floats


def _notes(reference: Any, single: bool, skipped: int) -> tuple[str, ...]:
    shares = ", ".join(map(str, RANDOMNESS))
    expert = f"{len(RANDOMNESS)} policies, acting at random with probabilities {shares}, else playing well"
    free = f"{STEADY_STEPS} steps from our state at a time" if reference.put else "whole games"
    return (
        expert if reference.expert else f"{len(RANDOMNESS)} policies, acting at random",
        "every transition from our state, float32 against float64" if single else f"{free} in lockstep",
        *([f"{skipped} transitions ended within {MARGIN} of a threshold and were left out"] if skipped else []),
    )


def _play(env: Environment[Any, Any], params: Any, transitions: int, seed: int) -> tuple[tuple[Any, Any], Iterator[RecordedStep]]:
    """Return the first observations and states of all policies, and their games in chunks with the axes [steps, policies]."""
    num_policies = len(RANDOMNESS)
    randomness = jnp.asarray(RANDOMNESS, jnp.result_type(float))
    key_reset, key_play = jax.random.split(jax.random.key(seed))

    @jax.jit
    def begin(params: Any) -> Any:
        return jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(key_reset, num_policies), params)

    @jax.jit
    def chunk(key: Array, state: Any, params: Any) -> Any:
        def step(state: Any, key: Array) -> Any:
            keys = jax.random.split(key, num_policies)
            return jax.vmap(_one_step, in_axes=(None, 0, 0, None, 0))(env, keys, state, params, randomness)

        return jax.lax.scan(step, state, jax.random.split(key, CHUNK))

    def chunks(state: Any) -> Iterator[RecordedStep]:
        for index in range(-(-transitions // (CHUNK * num_policies))):
            state, record = chunk(jax.random.fold_in(key_play, index), state, params)
            yield jax.device_get(record)

    obs, state = begin(params)
    inner = unwrapped(env, state, params)[1]
    return (np.asarray(obs), jax.device_get(inner)), chunks(state)


def _one_step(env: Environment[Any, Any], key: Array, state: Any, params: Any, randomness: Array) -> tuple[Any, RecordedStep]:
    key_coin, key_action, key_step = jax.random.split(key, 3)
    task, inner, inner_params = unwrapped(env, state, params)
    expert = REFERENCE_TASKS[type(task).__name__].expert
    action = env.action_space(params).sample(key_action)
    if expert:
        best = expert(task, inner, inner_params).astype(action.dtype)
        action = jnp.where(jax.random.bernoulli(key_coin, randomness), action, best)
    obs, after, reward, _, info = env.step(key_step, state, action, params)
    flags = info["terminated"], info["truncated"], info["discount"]
    inner_after = unwrapped(env, after, params)[1]
    return after, RecordedStep(inner, action, info["final_observation"], reward, *flags, obs, inner_after, info["draws"])


def _at(value: Any, index: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], value)
