"""Two small environments for the tests of the protocol: one that draws in its reset alone, and one that draws always."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxenv.environment import Environment, Params, State, Transition
from jaxenv.spaces import Box, Discrete

TRACES = {"transition": 0}
"""How often a transition was traced: once for each compilation."""


@struct.dataclass
class CorridorParams(Params):
    max_steps_in_episode: Any = struct.field(default=6, kw_only=True)
    gain: Any = 1.0


@struct.dataclass
class CorridorState(State):
    position: Any
    episodes: Any = 0


class Corridor(Environment[CorridorState, CorridorParams]):
    """Walk right to the end; counts its episodes across resets."""

    length: int = 4

    @property
    def default_params(self):
        return CorridorParams()

    def draws_in_transition(self, params):
        return False

    def init(self, key, params):
        return CorridorState(position=jax.random.uniform(key, (), float) * 0.5)

    def transition(self, key, state, action, params):
        TRACES["transition"] += 1
        position = state.position + action.astype(state.position.dtype) * params.gain
        return Transition(state.replace(position=position), position, position >= self.length, {"step": state.time})

    def observe(self, state, params):
        return jnp.stack([state.position, state.episodes.astype(state.position.dtype)])

    def carry_over(self, fresh, ended, params):
        return fresh.replace(episodes=ended.episodes + 1)

    def action_space(self, params):
        return Discrete(2)

    def observation_space(self, params):
        return Box(-jnp.inf, jnp.inf, (2,))


class NoisyCorridor(Corridor):
    """Draws in its transition too."""

    def draws_in_transition(self, params):
        return True

    def transition(self, key, state, action, params):
        out = super().transition(key, state, action, params)
        return out.replace(reward=jax.random.uniform(key, (), float))
