"""What is compiled for a batch of environments that is stepped from Python: buffers in, buffers out.

Environment ``i`` has a key of its own, made of its seed, and counts what it drew: a step and a reset draw once each. So what it
plays depends on its seed and on what was asked of it, not on how many others there are or on how resets are arranged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv import _canonical, checking, environment, random
from jaxenv.adapters._flat import Layout

FEW = 64
"""The largest batch for which a step is compiled without a loop, and another one without resets: of more environments one has
nearly always ended."""

Resets = Literal["next step", "same step", "never"]
"""When an episode's end is followed by a reset: as the next step, within the step, or when somebody calls ``reset``."""


class SubEnv(NamedTuple):
    """The state of one environment of a batch."""

    draws: Array
    """How often it drew, uint32[]."""
    state: Any
    """Its state; after an episode's end the final one, unless a reset followed within the step."""
    ended: Array
    """Whether its episode ended and is to be reset, bool[]."""


class Step(NamedTuple):
    """What a step gives."""

    obs: Any
    """The observation."""
    reward: Array
    """The reward, float32[]."""
    terminated: Array
    """Whether the task ended, bool[]."""
    truncated: Array
    """Whether the time limit was reached, bool[]."""
    done: Array
    """Whether one of both is so, bool[]."""
    stepped: Array | None
    """Whether this was a step of the task, and not a reset in its place, bool[]; None where ``info`` is empty."""
    info: dict[str, Any]
    """What the environment and its wrappers report, without what core adds."""
    final_obs: Any
    """The observation before a reset within the step; None where there are no such resets."""


class Repeated(NamedTuple):
    """Packed parameters for the loop of :attr:`Program.looped`."""

    times: Array
    """How often the loop runs: 1, but XLA does not know it and keeps the loop. int32[]."""
    rows: list[Array]
    """The buffers, twice: XLA does not know that each iteration has the same, and moves nothing out of the loop."""


@dataclass(frozen=True)
class Program:
    """The compiled functions of a batch. Get one from :func:`program`, so that equal ones are compiled once."""

    env: Any
    """The environment, without overrides."""
    num_envs: int
    """How many there are."""
    resets: Resets
    """When they are reset."""
    on_device: bool
    """Whether functions return a :class:`Step` of arrays of JAX beside the buffers, instead of None."""
    params: Layout
    """Where the parameters are in their buffers."""

    @property
    def looped(self) -> bool:
        """Whether a step is the body of a loop that runs once, and takes a :class:`Repeated` as params.

        XLA compiles such a loop for a CPU into one function, which one thread runs. Without the loop, each of a dozen small pieces
        is a task for XLA's threads, and passing tasks around costs more than the work. Few environments are one task anyway.
        """
        return self.num_envs > FEW and jax.default_backend() == "cpu"

    @cached_property
    def layout(self) -> Layout:
        """Where a :class:`Step` and a :class:`SubEnv`, leaves ``[num_envs, ...]``, are in their buffers."""

        def step(words: Array, params: Any) -> tuple[Step, SubEnv]:
            keys, sub_envs = self._seeded(words, params)
            action = self.env.action_space(params).batch(self.num_envs).sample(random.key(0))
            return self._stepped(self.resets != "never", keys, sub_envs, action, params)

        return Layout.of(jax.eval_shape(step, jax.ShapeDtypeStruct((self.num_envs, 2), jnp.uint32), self.params.shapes()))

    @cached_property
    def seed(self) -> Callable[..., Any]:
        """A function from seeds, uint32[num_envs, 2], and params to keys, buffers and what is to be returned."""

        @jax.jit
        def seed(words: Array, params: Any) -> Any:
            given = self.params.unpack(params)
            keys, sub_envs = self._seeded(words, given)
            return keys, *self._resting(sub_envs, given)

        return seed

    @cached_property
    def reset(self) -> Callable[..., Any]:
        """A function from keys, buffers, who is reset, seeds, who gets one, and params to what ``seed`` returns."""

        @jax.jit
        def reset(keys: Array, buffers: Any, chosen: Array, words: Array | None, seeded: Array | None, params: Any) -> Any:
            given = self.params.unpack(params)
            sub_envs = self.layout.unpack(buffers)[1]
            again = jax.vmap(self._restart, in_axes=(0, 0, None))(keys, sub_envs, given)
            sub_envs = _choose(chosen, again, sub_envs)
            if words is not None:
                keys, sub_envs = _choose(seeded, self._seeded(words, given), (keys, sub_envs))
            return keys, *self._resting(sub_envs, given)

        return reset

    @cached_property
    def step(self) -> Callable[..., Any]:
        """A function from keys, buffers, actions and params to buffers and what is to be returned; does the resets due."""
        return self._compiled_step(self.resets != "never")

    @cached_property
    def step_alone(self) -> Callable[..., Any]:
        """The same where no environment waits for its reset."""
        return self._compiled_step(with_resets=False)

    @cached_property
    def render(self) -> Callable[..., Array]:
        """A function from buffers, params and a size to pictures, uint8[num_envs, H, W, 3]."""

        @partial(jax.jit, static_argnums=2)
        def render(buffers: Any, params: Any, size: Any) -> Array:
            given, sub_envs = self.params.unpack(params), self.layout.unpack(buffers)[1]
            return jax.vmap(lambda state: self.env.render(state, given, size))(sub_envs.state)

        return render

    def _compiled_step(self, with_resets: bool) -> Callable[..., Any]:
        def stepped(keys: Array, buffers: Any, action: Any, params: Any) -> tuple[Step, SubEnv]:
            return self._stepped(with_resets, keys, self.layout.unpack(buffers)[1], action, self.params.unpack(params))

        @jax.jit
        def step(keys: Array, buffers: Any, action: Any, params: Any) -> Any:
            return self._returned(*stepped(keys, buffers, action, params))

        @jax.jit
        def looped_step(keys: Array, buffers: Any, action: Any, params: Repeated) -> Any:
            def body(index: Any, buffers: Any) -> Any:
                return self.layout.pack(stepped(keys, buffers, action, [rows[index] for rows in params.rows]))

            buffers = jax.lax.fori_loop(0, params.times, body, buffers)
            return buffers, self.layout.unpack(buffers)[0] if self.on_device else None

        return looped_step if self.looped else step

    # -- all of them -----------------------------------------------------------------------------------------------------------

    def _seeded(self, words: Array, params: Any) -> tuple[Array, SubEnv]:
        return jax.vmap(self._seed, in_axes=(0, None))(words, params)

    def _stepped(self, with_resets: bool, keys: Array, sub_envs: SubEnv, action: Any, params: Any) -> tuple[Step, SubEnv]:
        return jax.vmap(partial(self._step, with_resets), in_axes=(0, 0, 0, None))(keys, sub_envs, action, params)

    def _returned(self, step: Step, sub_envs: SubEnv) -> tuple[list[Array], Step | None]:
        return self.layout.pack((step, sub_envs)), step if self.on_device else None

    def _resting(self, sub_envs: SubEnv, params: Any) -> tuple[list[Array], Step | None]:
        """Return what there is of environments that nobody has stepped yet."""
        obs = jax.vmap(self._observe, in_axes=(0, None))(sub_envs.state, params)
        step = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), self.layout.shapes()[0])
        return self._returned(step._replace(obs=obs), sub_envs)

    # -- one of them -----------------------------------------------------------------------------------------------------------

    def _observe(self, state: Any, params: Any) -> Any:
        return environment._observation(self.env, state, params)

    def _seed(self, words: Array, params: Any) -> tuple[Array, SubEnv]:
        key = random.fold_in(random.fold_in(random.key(0), words[0]), words[1])
        state = self.env.reset(random.stream_key(key, 0), params)[1]
        return jax.random.key_data(key), SubEnv(jnp.uint32(1), state, jnp.asarray(False))

    def _restart(self, key: Array, sub_env: SubEnv, params: Any) -> SubEnv:
        state = self.env.restart(_drawn(key, sub_env), sub_env.state, params)[1]
        return SubEnv(sub_env.draws + 1, state, jnp.asarray(False))

    def _step(self, with_resets: bool, key: Array, sub_env: SubEnv, action: Any, params: Any) -> tuple[Step, SubEnv]:
        check, final_obs, stepped = checking.enabled(), None, jnp.asarray(True)
        # What step_env does, but for the observation: it is of the state after a reset.
        args = environment._arguments(self.env, _drawn(key, sub_env), sub_env.state, action, params, check)
        out, _ = environment._keyed_advance(self.env, *args)
        reward, done, info = environment._results(out, None)
        terminated, truncated, after = info["terminated"], info["truncated"], SubEnv(sub_env.draws + 1, out.state, done)
        if with_resets and self.resets == "next step":
            stepped = ~sub_env.ended
            after = _canonical.select(sub_env.ended, self._restart(key, sub_env, params), after)
            reward = jnp.where(stepped, reward, jnp.float32(0.0))
            terminated, truncated, done = terminated & stepped, truncated & stepped, done & stepped
        obs = self._observe(after.state, params)
        if with_resets and self.resets == "same step":
            final_obs, after = obs, _canonical.select(done, self._restart(key, after, params), after)
            obs = self._observe(after.state, params)
        if check:
            checking.observation(self.env.name, self.env.observation_space(params), obs)
        added = ("terminated", "truncated", "discount", "final_observation")
        reported = {name: value for name, value in self.env.report(info).items() if name not in added}
        return Step(obs, reward, terminated, truncated, done, stepped if reported else None, reported, final_obs), after


@cache
def program(env: Any, num_envs: int, resets: Resets, on_device: bool, params: Layout) -> Program:
    """Return the one program for these arguments."""
    return Program(env, num_envs, resets, on_device, params)


packed = jax.jit(Layout.pack, static_argnums=0)
"""``Layout.pack``, compiled."""


@jax.jit
def repeated(buffers: list[Array]) -> Repeated:
    """Return packed parameters for a loop that runs once."""
    return Repeated(jnp.int32(1), [jnp.stack([buffer, buffer]) for buffer in buffers])


unpacked = jax.jit(Layout.unpack, static_argnums=0)
"""``Layout.unpack``, compiled."""


def seed_words(seeds: Any) -> np.ndarray:
    """Return seeds, integers of which the lower 64 bits count, as uint32[num_envs, 2]."""
    numbers = np.array([int(seed) % 2**64 for seed in seeds], np.uint64)
    return np.stack([numbers & np.uint64(0xFFFFFFFF), numbers >> np.uint64(32)], axis=-1).astype(np.uint32)


def _drawn(key: Array, sub_env: SubEnv) -> Array:
    """Return the key for what an environment draws next."""
    return random.stream_key(jax.random.wrap_key_data(key, impl=jax.random.key_impl(random.key(0))), sub_env.draws)


def _choose(chosen: Any, on_true: Any, on_false: Any) -> Any:
    """Choose between two trees with a leading axis."""
    return jax.tree.map(
        lambda a, b: jax.vmap(lambda yes, x, y: _canonical.select(yes, x, y))(jnp.asarray(chosen), a, b), on_true, on_false
    )
