"""The one environment of the healthy plugins: it counts to three."""

import jax.numpy as jnp
from flax import struct

from jaxenv import Environment, Params, State, Transition, spaces


@struct.dataclass
class CounterState(State):
    count: int


@struct.dataclass
class CounterParams(Params):
    goal: int = 3
    """Where counting ends, 1 to 10."""


class Counter(Environment[CounterState, CounterParams]):
    """Count to three."""

    @property
    def default_params(self):
        return CounterParams()

    def init(self, key, params):
        return CounterState(count=jnp.int32(0))

    def transition(self, key, state, action, params):
        count = state.count + 1
        return Transition(state.replace(count=count), 1.0, count >= params.goal)

    def observe(self, state, params):
        return state.count

    def action_space(self, params):
        return spaces.Discrete(1)

    def observation_space(self, params):
        return spaces.Discrete(11)
