"""What an agent did and got last, as part of what it sees."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from jaxenv import spaces
from jaxenv.environment import Transition
from jaxenv.wrappers.base import StatefulWrapper, WrapperState


@struct.dataclass
class PreviousActionAndRewardState(WrapperState):
    """State of :class:`PreviousActionAndReward`."""

    action: Array
    """The last action as a vector, float32[n]; zeros before the first."""
    reward: Array
    """The last reward, float32[]; 0 before the first."""
    done: Array
    """Whether the last step ended an episode, bool[]."""


class PreviousActionAndReward(StatefulWrapper):
    """Add to the observation the last action, its reward, and whether it ended an episode, as meta-learning agents need.

    The observation is a ``Dict`` of "obs", "action" (flattened: one-hot for a choice; zeros before the first), "reward" and "done".
    They are kept over resets, so the observation that begins an episode shows how the one before ended (Duan et al. 2016,
    *RL²*), unless ``across_episodes`` is off. ``FlattenObservation`` makes one vector of it.

    >>> env = FlattenObservation(PreviousActionAndReward(env))
    """

    across_episodes: bool = True
    """Whether an episode begins with the last action and reward of the one before."""

    def begin(self, env_state: Any, params: Any) -> PreviousActionAndRewardState:
        action = jnp.zeros(self._action_box(params).shape, jnp.float32)
        return PreviousActionAndRewardState(env_state, action, jnp.zeros((), jnp.float32), jnp.asarray(False))

    def keep(self, begun: Any, ended: PreviousActionAndRewardState, params: Any) -> Any:
        if not self.across_episodes:
            return begun
        return begun.replace(action=ended.action, reward=ended.reward, done=jnp.asarray(True))

    def transition(self, key: Array, state: Any, action: Any, params: Any) -> Transition[Any]:
        out = self.inner_advance(key, state, action, params)
        flat = self.env.action_space(self.inner_params(params)).flatten(action).astype(jnp.float32)
        done = jnp.asarray(out.terminated) | out.truncated
        new = PreviousActionAndRewardState(out.state, flat, jnp.asarray(out.reward), done)
        return out.replace(state=new)  # type: ignore[attr-defined]

    def observe(self, state: Any, params: Any) -> dict[str, Any]:
        observation = self.inner_observation(state.env_state, params)
        return {"obs": observation, "action": state.action, "reward": state.reward, "done": state.done}

    def observation_space(self, params: Any) -> spaces.Dict:
        return spaces.Dict(
            {
                "obs": super().observation_space(params),
                "action": self._action_box(params),
                "reward": spaces.Box(-math.inf, math.inf, ()),
                "done": spaces.Box(0, 1, (), jnp.bool_),
            }
        )

    def _action_box(self, params: Any) -> spaces.Box:
        """Return the space of flattened actions, widened to hold the zeros before the first."""
        flat = spaces.flatten_space(self.env.action_space(self.inner_params(params)))
        np_like: Any = np if isinstance(flat.low, np.ndarray) and isinstance(flat.high, np.ndarray) else jnp
        low, high = np_like.minimum(flat.low, flat.dtype.type(0)), np_like.maximum(flat.high, flat.dtype.type(0))
        known_low, known_high = flat.known
        return spaces.Box(low, high, flat.shape)._knowing(np.minimum(known_low, 0), np.maximum(known_high, 0))
