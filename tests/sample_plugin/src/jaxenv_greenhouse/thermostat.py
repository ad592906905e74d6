"""``--policy thermostat:TEMPERATURE``: heat below a temperature, vent above it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array
from jaxenv import EnvSpec
from jaxenv.errors import SettingError
from jaxenv.registry import LoadedPolicy


def thermostat(target: Array, obs: Any, key: Array) -> dict[str, Array]:
    """Return an action; ``target`` is a temperature in °C."""
    del key
    temperature = obs["air"][0]
    return {
        "heat": jnp.clip((target - temperature) / 5.0, 0.0, 1.0),
        "vent": (temperature > target + 2.0).astype(jnp.int32),
    }


def load(argument: str, spec: EnvSpec, env: Any, params: Any) -> LoadedPolicy:
    """Return the thermostat that is set to a temperature."""
    del spec, env, params
    try:
        return LoadedPolicy(thermostat, policy_params=jnp.float32(float(argument)))
    except ValueError:
        raise SettingError("--policy", f"thermostat:{argument}", "thermostat:TEMPERATURE, in °C,") from None
