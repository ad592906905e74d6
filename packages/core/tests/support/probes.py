"""Tiny environments for the tests of wrappers: a recording that can be replayed here and in Gymnasium, and two small tasks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, spaces

LINE = spaces.Box(0.0, 10.0, (1,))
CHOICE = spaces.Discrete(3)


@struct.dataclass
class ReplayParams(Params):
    observations: Array
    rewards: Array
    terminated: Array


@struct.dataclass
class ReplayState(State):
    index: Array


class Replay(Environment[ReplayState, ReplayParams]):
    """Play a recording back whatever is done, reset observations included; ``info`` tells the action that arrived."""

    observation: spaces.Space = LINE
    action: spaces.Space = CHOICE
    length: int = 2

    @property
    def default_params(self) -> ReplayParams:
        blank = np.zeros((self.length, *self.observation.shape), self.observation.dtype)
        return ReplayParams(blank, np.zeros(self.length, np.float32), np.zeros(self.length, bool), max_steps_in_episode=5)

    def init(self, key: Array, params: Any) -> Any:
        return ReplayState(jnp.int32(0))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        new = state.replace(index=state.index + 1)
        return Transition(new, params.rewards[new.index], params.terminated[new.index], {"action": action})

    def observe(self, state: Any, params: Any) -> Any:
        return params.observations[state.index]

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return fresh.replace(index=ended.index + 1)

    def action_space(self, params: Any) -> spaces.Space:
        return self.action

    def observation_space(self, params: Any) -> spaces.Space:
        return self.observation


@struct.dataclass
class WalkParams(Params):
    limit: Array | float = 1.0


@struct.dataclass
class WalkState(State):
    x: Array
    episodes: Array


class Walk(Environment[WalkState, WalkParams]):
    """Random in reset and step; its bounds are a parameter, and it counts its episodes."""

    @property
    def default_params(self) -> WalkParams:
        return WalkParams(max_steps_in_episode=6)

    def init(self, key: Array, params: Any) -> Any:
        return WalkState(random.uniform(random.words(key, 2), -0.3, 0.3), jnp.int32(0))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        x = state.x + 0.5 * action.astype(state.x.dtype) + random.uniform(random.words(key, 2), -0.1, 0.1)
        over = (jnp.abs(x) >= params.limit).any()
        x = jnp.clip(x, -params.limit, params.limit)
        return Transition(state.replace(x=x), x.sum(), over, {"action": action})

    def observe(self, state: Any, params: Any) -> Any:
        return state.x

    def carry_over(self, fresh: Any, ended: Any, params: Any) -> Any:
        return fresh.replace(episodes=ended.episodes + 1)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-params.limit, params.limit, (2,))

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-params.limit, params.limit, (2,))

    def render(self, state: Any, params: Any, size: int | tuple[int, int] = 8) -> Array:
        return jnp.broadcast_to(jnp.uint8(10 * state.time), (4, 4, 3))


@struct.dataclass
class LadderState(State):
    rung: Array


class Ladder(Environment[LadderState, Params]):
    """Deterministic: a Dict to see, seven rungs, three choices (down, stay, up); ends at the top."""

    @property
    def default_params(self) -> Params:
        return Params(max_steps_in_episode=20)

    def draws_in_init(self, params: Any) -> bool:
        return False

    def draws_in_transition(self, params: Any) -> bool:
        return False

    def init(self, key: Array, params: Any) -> Any:
        return LadderState(jnp.int32(1))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        rung = jnp.clip(state.rung + action, 0, 6)
        return Transition(state.replace(rung=rung), rung, rung == 6)

    def observe(self, state: Any, params: Any) -> Any:
        return {"rung": state.rung, "below": jnp.arange(3, dtype=jnp.int32) < state.rung}

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(3, start=-1)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Dict({"rung": spaces.Discrete(7), "below": spaces.Box(0, 1, (3,), bool)})


class Recording:
    """A stream of observations, rewards and ends, drawn once, that both libraries replay."""

    def __init__(self, observation: spaces.Space, action: spaces.Space, length: int = 120, seed: int = 0, limit: int = 7) -> None:
        rng = np.random.default_rng(seed)
        self.observation, self.action, self.length, self.limit = observation, action, length, limit
        keys = jax.random.split(jax.random.key(seed), length)
        self.observations = np.asarray(jax.vmap(observation.sample)(keys))
        self.rewards = rng.normal(1.0, 2.0, length).astype(np.float32)
        self.terminated = rng.random(length) < 0.1

    @property
    def params(self) -> ReplayParams:
        """The parameters of ``env``."""
        return ReplayParams(self.observations, self.rewards, self.terminated, max_steps_in_episode=self.limit)

    @property
    def env(self) -> Replay:
        """The recording as an environment."""
        return Replay(self.observation, self.action, self.length)

    def in_gymnasium(self) -> Any:
        """Return the recording as an environment of Gymnasium."""
        import gymnasium

        recording = self

        class Replayed(gymnasium.Env):
            observation_space = spaces.to_gymnasium(recording.observation)
            action_space = spaces.to_gymnasium(recording.action)
            spec = gymnasium.envs.registration.EnvSpec("Replayed-v0", max_episode_steps=recording.limit)
            index = -1

            def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
                super().reset(seed=seed)
                self.index, self.time = self.index + 1, 0
                return recording.observations[self.index], {}

            def step(self, action: Any) -> Any:
                self.index, self.time = self.index + 1, self.time + 1
                i = self.index
                observation, reward = recording.observations[i], float(recording.rewards[i])
                return observation, reward, bool(recording.terminated[i]), self.time >= recording.limit, {"action": action}

        return Replayed()

    def play(self, env: Any, actions: Any, params: Any = None) -> Any:
        """Return ``(first observation, steps)`` of a wrapped ``env``: every output of ``step`` along a first axis."""
        default = env.default_params
        params = _with_inner(default, self.params) if params is None else params

        def one(state: Any, action: Any) -> Any:
            obs, state, reward, done, info = env.step(jax.random.key(0), state, action, params)
            return state, {"obs": obs, "reward": reward, "done": done, "info": info, "state": state}

        first, state = env.reset(jax.random.key(0), params)
        return jax.tree.map(np.asarray, (first, jax.jit(lambda s, a: jax.lax.scan(one, s, a))(state, actions)[1]))

    def play_in_gymnasium(self, env: Any, actions: Any) -> Any:
        """Return what ``play`` does, as lists, from a wrapped Gymnasium environment that is reset when it is done."""
        first, _ = env.reset(seed=0)
        steps = []
        for action in actions:
            final, reward, terminated, truncated, info = env.step(action)
            obs = env.reset()[0] if terminated or truncated else final
            steps.append({"obs": obs, "final": final, "reward": reward, "done": terminated or truncated, "info": info})
        return first, steps


def _with_inner(params: Any, inner: Any) -> Any:
    """Put ``inner`` in the place of the innermost parameters."""
    if not hasattr(params, "env_params"):
        return inner
    return params.replace(env_params=_with_inner(params.env_params, inner))
