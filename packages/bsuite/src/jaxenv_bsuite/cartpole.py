"""Cartpole: keep a pole upright on a cart for ten seconds."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Transition, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_bsuite.cartpole_physics import PoleParams, PoleState, PoleTask, draw_reset, features, push
from jaxenv_bsuite.numerics import real


@struct.dataclass
class CartpoleParams(PoleParams):
    """Numeric settings of Cartpole."""

    height_threshold: Array | float = ranges.number(0.8, at_least=-1, at_most=1)
    """Cosine of the pole's angle above which it counts as upright, in [-1, 1]."""


@struct.dataclass
class CartpoleState(PoleState):
    """The cart, the pole and what they earned. An episode's return is its number of steps, less one if it failed."""

    upright: Int[Array, ""]
    """Steps with a reward; counts on over all episodes."""
    best_episode: Int[Array, ""]
    """The largest return of an episode that ended, over all episodes."""


class Cartpole(PoleTask[CartpoleState, CartpoleParams]):
    """Balance a pole on a cart by pushing the cart left, right or not at all.

    ===========  ========================================  =========  ===========
    Observation  Meaning                                   Unit       Range
    ===========  ========================================  =========  ===========
    [0, 0]       position of the cart                      3 m        (-inf, inf)
    [0, 1]       velocity of the cart                      3 m/s      (-inf, inf)
    [0, 2]       sine of the pole's angle from upright                [-1, 1]
    [0, 3]       cosine of that angle                                 [-1, 1]
    [0, 4]       angular velocity                          rad/s      (-inf, inf)
    [0, 5]       time since the start of the episode       10 s       [0, 1.001]
    ===========  ========================================  =========  ===========

    ======  ================================
    Action  Meaning
    ======  ================================
    0       push the cart to the left (10 N)
    1       do not push
    2       push the cart to the right
    ======  ================================

    Reward: 1 if, after the step, the cosine of the angle is above 0.8 and the cart within 3 m of the centre; else 0.
    Termination: on the first step without a reward, or when more than ``max_time`` has passed: on step 1,001, with reward
    and discount 0.
    Time limit: none besides; bsuite's is a termination.

    Fields: ``max_time`` and ``timescale`` in seconds. They are fields since they fix the number of steps, which bsuite
    counts in float64.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``environments/cartpole.py``.

    **Differences**: the state is float32 where bsuite computes in float64; under x64 it is float64.

    **Coming from gymnax**: this is not Gymnasium's CartPole-v1: three actions, another observation, another angle, 1,001 steps.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("Cartpole-bsuite", height_threshold=0.5)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
    >>> obs.shape, float(reward), bool(done)
    ((1, 6), 1.0, False)
    """

    counters = ("upright", "best_episode")

    @property
    def default_params(self) -> CartpoleParams:
        return CartpoleParams()

    def init(self, key: Array, params: CartpoleParams) -> CartpoleState:
        none = jnp.int32(0)
        return CartpoleState(*draw_reset(key, params), upright=none, best_episode=none)

    def transition(
        self, key: Array, state: CartpoleState, action: Int[Array, ""], params: CartpoleParams
    ) -> Transition[CartpoleState]:
        state = push(state, action, self.timescale, params)
        good = (jnp.cos(state.theta) > params.height_threshold) & (jnp.abs(state.x) < params.x_threshold)
        earned = good.astype(jnp.int32)
        terminated = ~good | self.time_is_up(state)
        # Every step of an episode but a failed last one earns 1, so the return needs no counter of its own.
        best = jnp.where(terminated, jnp.maximum(state.best_episode, state.time + earned), state.best_episode)
        state = state.replace(upright=state.upright + earned, best_episode=best)
        return Transition(state, jnp.where(good, 1.0, 0.0), terminated)

    def observe(self, state: CartpoleState, params: CartpoleParams) -> Float[Array, "1 6"]:
        return jnp.stack(features(state, self.timescale, self.max_time, params))[None]

    def render(self, state: CartpoleState, params: CartpoleParams, size: int | tuple[int, int] = 256) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import control

        return control.cartpole(self, state, params, size)

    def observation_space(self, params: CartpoleParams) -> spaces.Box:
        return spaces.Box(-jnp.inf, jnp.inf, (1, 6))

    def bsuite_info(self, state: CartpoleState, params: CartpoleParams | None = None) -> dict[str, Any]:
        return {"raw_return": real(state.upright), "best_episode": real(state.best_episode)}
