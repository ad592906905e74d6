"""Greenhouse: keep plants warm and moist through a day of changing weather."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxenv import Environment, Params, State, Transition, random, spaces

STEPS_A_DAY = 288
"""Five minutes each."""
FROST, SCORCH = 0.0, 45.0
"""Inside temperatures at which the plants die, °C."""


@struct.dataclass
class GreenhouseParams(Params):
    """Numbers of the house and of the weather."""

    max_steps_in_episode: Array | int = struct.field(default=STEPS_A_DAY, kw_only=True)
    """Steps after which an episode is truncated; a day."""
    outside_mean: Array | float = 8.0
    """Mean temperature outside, °C."""
    outside_swing: Array | float = 6.0
    """How far the day is warmer, and the night colder, than the mean, K."""
    gusts: Array | float = 0.5
    """Standard deviation of the heat that a step's wind takes or brings, K."""
    leakage: Array | float = 0.02
    """Share of the difference to the outside that a step loses through the glass, in (0, 1)."""
    heating: Array | float = 1.5
    """What the heater adds in a step at full power, K."""
    target: Array | float = 22.0
    """The temperature that the plants like best, °C."""
    price: Array | float = 0.2
    """Cost of a step of heating at full power."""


@struct.dataclass
class GreenhouseState(State):
    """The air in the house."""

    temperature: Array
    """Inside temperature, °C, default float[]."""
    moisture: Array
    """Relative moisture of the air, default float[], in [0, 1]."""
    clock: Array
    """Step of the day, int32[], 0 to 287."""


class Draws(NamedTuple):
    """The randomness of one step."""

    gust: Array
    """A standard normal number."""


def outside_temperature(step: Array | int, params: GreenhouseParams) -> Array:
    """Return the temperature outside at a step of the day, without gusts: coldest at 3 o'clock, warmest at 15."""
    angle = (jnp.asarray(step).astype(jnp.result_type(float)) / STEPS_A_DAY - 0.375) * 2.0 * math.pi
    return params.outside_mean + params.outside_swing * jnp.sin(angle)


class Greenhouse(Environment[GreenhouseState, GreenhouseParams]):
    """Heat and vent a greenhouse through a day so that the plants neither freeze, scorch nor dry out.

    ===========================  =========================================  ============
    Observation                  Meaning                                    Range
    ===========================  =========================================  ============
    ``air``, float32[2]          temperature (°C) and moisture inside       [-50, 100], [0, 1]
    ``forecast``, float32[k]     temperature outside at the next k steps    unbounded
    ``daytime``, int32           0 night, 1 morning, 2 afternoon, 3 evening  {0, 1, 2, 3}
    ===========================  =========================================  ============

    ===================  ==============================================  ======
    Action               Meaning                                         Range
    ===================  ==============================================  ======
    ``heat``, float32    power of the heater                             [0, 1]
    ``vent``, int32      0 closes the vent, 1 opens it, 2 mists the air  {0, 1, 2}
    ===================  ==============================================  ======

    Reward: 1 minus the squared distance from the target in units of 10 K, minus dryness, minus the price of heating.
    Termination: frost (0 °C or less) or scorching (45 °C or more) inside. Time limit: 288 steps, a day.

    **Source**: original to this package.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("greenhouse/Greenhouse-v0", gusts=0.0)
    >>> obs, state = env.reset(jax.random.key(0), params)
    >>> obs["forecast"].shape
    (3,)
    """

    forecast_steps: int = 3
    """How many steps ahead the weather is known."""

    @property
    def default_params(self) -> GreenhouseParams:
        return GreenhouseParams()

    @property
    def differentiable(self) -> bool:
        return True

    def init(self, key: Array, params: GreenhouseParams) -> GreenhouseState:
        word = random.words(key, 3)
        return GreenhouseState(
            temperature=random.uniform(word[0], 15.0, 25.0),
            moisture=random.uniform(word[1], 0.4, 0.8),
            clock=random.uniform_int(word[2], 0, STEPS_A_DAY),
        )

    def draw_step(self, key: Array, params: GreenhouseParams) -> Draws:
        word = random.words(key, 2)
        return Draws(gust=random.normal(word[0], word[1]))

    def dynamics(self, state: GreenhouseState, action: Any, draws: Draws, params: GreenhouseParams) -> Transition[GreenhouseState]:
        heat = action["heat"].astype(state.temperature.dtype)
        open_, mist = action["vent"] == 1, action["vent"] == 2
        outside = outside_temperature(state.clock, params)
        exchange = jnp.where(open_, 5.0, 1.0) * params.leakage
        temperature = state.temperature + exchange * (outside - state.temperature)
        temperature += params.heating * heat + params.gusts * draws.gust
        moisture = jnp.clip(state.moisture * jnp.where(open_, 0.9, 0.99) + jnp.where(mist, 0.1, 0.0), 0.0, 1.0)
        comfort = jnp.square((temperature - params.target) / 10.0)
        return Transition(
            state=state.replace(temperature=temperature, moisture=moisture, clock=(state.clock + 1) % STEPS_A_DAY),
            reward=1.0 - comfort - (1.0 - moisture) - params.price * heat,
            terminated=(temperature <= FROST) | (temperature >= SCORCH),
            info={"outside": outside},
        )

    def observe(self, state: GreenhouseState, params: GreenhouseParams) -> dict[str, Array]:
        ahead = state.clock + 1 + jnp.arange(self.forecast_steps, dtype=jnp.int32)
        return {
            "air": jnp.stack([state.temperature, state.moisture]),
            "forecast": outside_temperature(ahead, params),
            "daytime": state.clock * 4 // STEPS_A_DAY,
        }

    def action_space(self, params: GreenhouseParams) -> spaces.Dict:
        return spaces.Dict({"heat": spaces.Box(0.0, 1.0, ()), "vent": spaces.Discrete(3)})

    def observation_space(self, params: GreenhouseParams) -> spaces.Dict:
        return spaces.Dict(
            {
                "air": spaces.Box((-50.0, 0.0), (100.0, 1.0), (2,)),
                "forecast": spaces.Box(-math.inf, math.inf, (self.forecast_steps,)),
                "daytime": spaces.Discrete(4),
            }
        )
