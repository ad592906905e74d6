"""Fidelity reports for MinAtar: whole episodes in lockstep with the installed package.

Our side plays first, by the public ``step``, and every draw is recorded. Then MinAtar replays the play with a scripted generator
that hands it the same draws, call by call, and fails on a call that it did not expect and on a draw that is left over. Nothing else
is injected: from the first reset onward each side keeps its own state.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv import make
from jaxenv.registry.spec import EnvSpec
from jaxenv.testing.fidelity import FidelityReport, Quantity
from jaxenv.testing.lockstep import RecordDraws, ScriptedCall, ScriptedGenerator

from jaxenv_minatar import scripted_policies
from jaxenv_minatar.base import MinAtarGame
from jaxenv_minatar.reference_games import REFERENCE_GAMES, Call, RecordedSteps, ReferenceGame

CHUNK = 500
"""Steps of each environment between two replays, so that the recordings stay small."""

STEPS_PER_ENV = 5_000
"""Steps of an environment, about: enough for two of the longest episodes, Freeway's."""

RANDOM_SHARE = (1.0, 0.0, 1.0, 0.02, 1.0, 0.1)
"""Share of random actions of environments 0, 1, 2, ..., repeated over the batch."""


class Reference:
    """One game of MinAtar."""

    def __init__(self, game: ReferenceGame, params: Any) -> None:
        import minatar

        self.game: Any = minatar.Environment(
            game.name,
            sticky_action_prob=float(params.sticky_action_prob),
            difficulty_ramping=bool(getattr(params, "ramping", False)),
        )
        self._attributes = game.attributes
        self._generator = ScriptedGenerator("MinAtar")
        self.game.random = self.game.env.random = self._generator

    def reset(self, script: list[ScriptedCall]) -> np.ndarray:
        """Begin an episode and return its first observation."""
        self._generator.push(script)
        self.game.reset()
        self._generator.finish()
        return self.game.state()

    def act(self, action: int, script: list[ScriptedCall]) -> tuple[np.ndarray, float, bool, list[Any]]:
        """Take one step: observation, reward, terminal flag and the attributes that are compared."""
        self._generator.push(script)
        reward, terminal = self.game.act(action)
        self._generator.finish()
        # As copies: MinAtar changes its lists in place.
        attributes = [attribute.theirs(getattr(self.game.env, name)) for name, attribute in self._attributes.items()]
        return self.game.state(), reward, terminal, attributes


def compare_with_reference(spec: EnvSpec, *, transitions: int, seed: int) -> FidelityReport:
    """Run at least ``transitions`` steps of a registered game in lockstep with MinAtar, half of them under random play."""
    env, params = make(spec)
    return compare(spec.id, env, params, transitions=transitions, seed=seed)


def compare(env_id: str, env: Any, params: Any, *, transitions: int, seed: int) -> FidelityReport:
    """Run both sides and compare all that can be observed, and the state behind it.

    Args:
        env_id: the id to report.
        env: our game, with whatever time limit, but without wrappers.
        params: its parameters.
        transitions: steps on all environments together, at least.
        seed: of the actions and of the draws.
    """
    game = REFERENCE_GAMES[env.name]
    num_envs = max(2, transitions // STEPS_PER_ENV)
    steps = -(-transitions // num_envs)
    play = _Play(env, params, game, num_envs, seed)
    references = [Reference(game, params) for _ in range(num_envs)]
    begun = play.begin()
    worst = dict.fromkeys(("observation", "reward", "terminated", *(f"state.{name}" for name in game.attributes)), 0.0)
    episodes, reached = 0, dict.fromkeys(game.milestones, 0)
    for index, reference in enumerate(references):
        first = reference.reset(_script(game.reset_script(begun["state"]), index))
        worst["observation"] = max(worst["observation"], _difference(first, begun["obs"][index]))
    for start in range(0, steps, CHUNK):
        ours = play.chunk(start, min(CHUNK, steps - start))
        for index, reference in enumerate(references):
            for name, difference in _replay(env, game, reference, jax.tree.map(lambda x, index=index: x[:, index], ours)).items():
                worst[name] = max(worst[name], difference)
        episodes += int(ours.done.sum())
        for name, reach in game.milestones.items():
            reached[name] += int(np.sum(reach(ours)))
    return FidelityReport(
        env_id=env_id,
        reference="MinAtar",
        reference_version=importlib.metadata.version("MinAtar"),
        transitions=steps * num_envs,
        episodes=episodes,
        quantities=tuple(Quantity(name, steps * num_envs, difference, 0.0) for name, difference in worst.items()),
        notes=(
            f"{num_envs} environments of {steps} steps from reset onward, every draw scripted, no state injected",
            f"odd ones follow a policy that survives, even ones act at random; longest episode {play.longest} steps",
            "reached: " + ", ".join(f"{name} {count} times" for name, count in reached.items()),
        ),
    )


class _Play:
    """Our side: environments of one game, stepped in chunks."""

    def __init__(self, env: MinAtarGame[Any, Any], params: Any, game: ReferenceGame, num_envs: int, seed: int) -> None:
        self._env, self._params, self._num_envs = RecordDraws(env), params, num_envs
        self._keys = jax.random.split(jax.random.key(seed), num_envs)
        self._share = jnp.asarray([RANDOM_SHARE[index % len(RANDOM_SHARE)] for index in range(num_envs)])
        chosen = env.minimal_action_set if env.minimal_actions else range(6)
        index_of = jnp.asarray([list(chosen).index(a) if a in chosen else 0 for a in range(6)], jnp.int32)
        policy = scripted_policies.look_ahead(env, params, game.policy, game.horizon)
        self.longest = 0

        def run(key: Array, share: Array, state: Any, times: Array) -> Any:
            def body(state: Any, t: Array) -> Any:
                key_play, key_random, key_share, key_step = jax.random.split(jax.random.fold_in(key, t), 4)
                action = jnp.where(
                    jax.random.uniform(key_share) < share,
                    env.action_space(params).sample(key_random),
                    index_of[policy(state, key_play)],
                )
                obs, state, reward, done, info = self._env.step(key_step, state, action, params)
                report = {name: info[name] for name in ("draws", "before", "after", "terminated", "final_observation")}
                return state, RecordedSteps(**report, action=action, obs=obs, state=state, reward=reward, done=done)

            return jax.lax.scan(body, state, times)

        self._run = jax.jit(jax.vmap(run, (0, 0, 0, None)))

    def begin(self) -> dict[str, Any]:
        """Reset all environments."""
        obs, self._state = jax.vmap(self._env.reset, (0, None))(self._keys, self._params)
        return jax.tree.map(np.asarray, {"obs": obs, "state": self._state})

    def chunk(self, start: int, steps: int) -> RecordedSteps:
        """Take ``steps`` steps on all environments, and return all that was recorded, steps first."""
        self._state, record = self._run(
            self._keys, self._share, self._state, jnp.arange(1 + start, 1 + start + steps, dtype=jnp.int32)
        )
        record = jax.tree.map(lambda x: np.asarray(x).swapaxes(0, 1), record)
        self.longest = max(self.longest, int(record.after.time.max()))
        return record


def _replay(env: MinAtarGame[Any, Any], game: ReferenceGame, reference: Reference, ours: RecordedSteps) -> dict[str, float]:
    """Take the steps of one environment on the other side and return the largest differences."""
    script, reset_script = game.script(ours), game.reset_script(ours.state)
    actions = reference.game.minimal_action_set() if env.minimal_actions else range(6)
    begun, theirs = np.empty_like(ours.obs), []
    for t, (action, done) in enumerate(zip(ours.action.tolist(), ours.done.tolist(), strict=True)):
        theirs.append(reference.act(actions[action], _script(script, t)))
        begun[t] = reference.reset(_script(reset_script, t)) if done else theirs[-1][0]
    observations, rewards, terminals, attributes = zip(*theirs, strict=True)
    worst = {
        "observation": max(_difference(ours.final_observation, np.stack(observations)), _difference(ours.obs, begun)),
        "reward": _difference(ours.reward, np.asarray(rewards)),
        "terminated": _difference(ours.terminated, np.asarray(terminals)),
    }
    for (name, attribute), column in zip(game.attributes.items(), zip(*attributes, strict=True), strict=True):
        worst[f"state.{name}"] = _difference(attribute.ours(ours.after), np.asarray(column))
    return worst


def _script(calls: Sequence[Call], index: int) -> list[ScriptedCall]:
    """Return the calls that happen at one index of the recorded arrays."""
    happening = (call for call in calls if call.when is None or call.when[index])
    return [ScriptedCall(call.method, call.arguments, call.value[index]) for call in happening]


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.max(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)), initial=0.0))
