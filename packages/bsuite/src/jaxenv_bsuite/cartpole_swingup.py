"""CartpoleSwingup: swing a pole up and hold it in a narrow place, at a cost for every push."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Transition, ranges, spaces
from jaxtyping import Float, Int, UInt8

from jaxenv_bsuite.cartpole_physics import PoleParams, PoleState, PoleTask, draw_reset, features, push
from jaxenv_bsuite.numerics import real


@struct.dataclass
class CartpoleSwingupParams(PoleParams):
    """Numeric settings of CartpoleSwingup."""

    height_threshold: Array | float = ranges.number(0.5, at_least=-1, at_most=1)
    """Cosine of the pole's angle above which a step can earn a reward, in [-1, 1]."""
    theta_dot_threshold: Array | float = ranges.number(1.0, at_least=0)
    """Angular speed below which a step can earn a reward, rad/s, at least 0."""
    x_reward_threshold: Array | float = ranges.number(1.0, at_least=0)
    """Distance from the centre below which a step can earn a reward, m, at least 0."""
    move_cost: Array | float = 0.1
    """What a push costs."""


@struct.dataclass
class CartpoleSwingupState(PoleState):
    """The cart, the pole and what they earned: a return is upright steps less ``move_cost`` times pushes."""

    upright: Int[Array, ""]
    """Rewarded steps of this episode."""
    moves: Int[Array, ""]
    """Pushes of this episode."""
    total_upright: Int[Array, ""]
    """Rewarded steps over all episodes."""
    total_moves: Int[Array, ""]
    """Pushes over all episodes."""
    best_upright: Int[Array, ""]
    """Rewarded steps of the episode with the largest return, over all episodes that ended; 0 if none had a positive one."""
    best_moves: Int[Array, ""]
    """Pushes of that episode."""


class CartpoleSwingup(PoleTask[CartpoleSwingupState, CartpoleSwingupParams]):
    """Swing up a pole that hangs down from a cart, and hold it still near the centre of the track.

    ===========  =============================================  =========  ===========
    Observation  Meaning                                        Unit       Range
    ===========  =============================================  =========  ===========
    [0, 0]       position of the cart                           3 m        (-inf, inf)
    [0, 1]       velocity of the cart                           3 m/s      (-inf, inf)
    [0, 2]       sine of the pole's angle from upright                     [-1, 1]
    [0, 3]       cosine of that angle                                      [-1, 1]
    [0, 4]       angular velocity                               rad/s      (-inf, inf)
    [0, 5]       time since the start of the episode            10 s       [0, 1.001]
    [0, 6]       whether the cart is near enough to the centre             -1 or 1
    [0, 7]       whether the pole is slow enough                           -1 or 1
    ===========  =============================================  =========  ===========

    ======  ================================
    Action  Meaning
    ======  ================================
    0       push the cart to the left (10 N)
    1       do not push
    2       push the cart to the right
    ======  ================================

    Reward: -0.1 for a push, and 1 if, after the step, the pole is above ``height_threshold`` and slow and the cart near the centre.
    Termination: the cart is more than 3 m from the centre, or more than ``max_time`` has passed: on step 1,001, with discount 0.
    Time limit: none besides; bsuite's is a termination.

    Fields: ``max_time`` and ``timescale`` in seconds. They are fields since they fix the number of steps, which bsuite
    counts in float64.

    **Source**: Osband et al. 2019; bsuite 0.3.6, ``experiments/cartpole_swingup/cartpole_swingup.py``.

    **Differences**: the state is float32 where bsuite computes in float64; under x64 it is float64.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("bsuite/cartpole_swingup/19")
    >>> params.height_threshold, round(params.x_reward_threshold, 2)
    (0.95, 0.05)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs.shape
    (1, 8)
    """

    counters = ("total_upright", "total_moves", "best_upright", "best_moves")

    @property
    def default_params(self) -> CartpoleSwingupParams:
        return CartpoleSwingupParams()

    def init(self, key: Array, params: CartpoleSwingupParams) -> CartpoleSwingupState:
        x, x_dot, theta, theta_dot = draw_reset(key, params)
        none = jnp.int32(0)
        return CartpoleSwingupState(x, x_dot, theta + math.pi, theta_dot, none, none, none, none, none, none)

    def transition(
        self, key: Array, state: CartpoleSwingupState, action: Int[Array, ""], params: CartpoleSwingupParams
    ) -> Transition[CartpoleSwingupState]:
        state = push(state, action, self.timescale, params)
        high = jnp.cos(state.theta) > params.height_threshold
        upright = (high & self._slow(state, params) & self._central(state, params)).astype(jnp.int32)
        moved = jnp.abs(action - 1)
        terminated = (jnp.abs(state.x) > params.x_threshold) | self.time_is_up(state)
        state = state.replace(
            upright=state.upright + upright,
            moves=state.moves + moved,
            total_upright=state.total_upright + upright,
            total_moves=state.total_moves + moved,
        )
        best = self._return(state.best_upright, state.best_moves, params)
        better = terminated & (self._return(state.upright, state.moves, params) > best)
        state = state.replace(
            best_upright=jnp.where(better, state.upright, state.best_upright),
            best_moves=jnp.where(better, state.moves, state.best_moves),
        )
        return Transition(state, self._return(upright, moved, params), terminated)

    def _central(self, state: CartpoleSwingupState, params: CartpoleSwingupParams) -> Array:
        return jnp.abs(state.x) < params.x_reward_threshold

    def _slow(self, state: CartpoleSwingupState, params: CartpoleSwingupParams) -> Array:
        return jnp.abs(state.theta_dot) < params.theta_dot_threshold

    def _return(self, upright: Any, moves: Any, params: CartpoleSwingupParams) -> Any:
        return real(upright) - real(moves) * params.move_cost

    def observe(self, state: CartpoleSwingupState, params: CartpoleSwingupParams) -> Float[Array, "1 8"]:
        central = jnp.where(self._central(state, params), 1.0, -1.0)
        slow = jnp.where(self._slow(state, params), 1.0, -1.0)
        return jnp.stack([*features(state, self.timescale, self.max_time, params), central, slow])[None]

    def render(
        self, state: CartpoleSwingupState, params: CartpoleSwingupParams, size: int | tuple[int, int] = 256
    ) -> UInt8[Array, "h w 3"]:
        from jaxenv_bsuite.drawings import control

        return control.cartpole_swingup(self, state, params, size)

    def observation_space(self, params: CartpoleSwingupParams) -> spaces.Box:
        return spaces.Box(-jnp.inf, jnp.inf, (1, 8))

    def bsuite_info(self, state: CartpoleSwingupState, params: CartpoleSwingupParams | None = None) -> dict[str, Any]:
        p = self.default_params if params is None else params
        return {
            "raw_return": self._return(state.total_upright, state.total_moves, p),
            "total_upright": real(state.total_upright),
            "best_episode": self._return(state.best_upright, state.best_moves, p),
        }
