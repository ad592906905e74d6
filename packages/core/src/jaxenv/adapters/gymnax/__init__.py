"""gymnax's interface around jaxenv's environments, for agents that were written for gymnax.

``from jaxenv.adapters import gymnax`` takes the place of ``import gymnax``, and ``jaxenv.adapters.gymnax.environments`` that of
``gymnax.environments``, and so on. :func:`install` does so for code that can't be edited. ``docs/gymnax.md`` says what differs.

>>> import jax
>>> from jaxenv.adapters import gymnax
>>> env, params = gymnax.make("CartPole-v1")
>>> obs, state = env.reset(jax.random.key(0), params)
>>> obs, state, reward, done, info = env.step(jax.random.key(1), state, 1, params)
>>> sorted(info)
['discount', 'terminated', 'truncated']
"""

from jaxenv.adapters.gymnax import environments, experimental, registration, visualize, wrappers
from jaxenv.adapters.gymnax.environments.environment import EnvParams, EnvState
from jaxenv.adapters.gymnax.installation import install
from jaxenv.adapters.gymnax.registration import make, register, registered_envs

__all__ = [
    "EnvParams",
    "EnvState",
    "environments",
    "experimental",
    "install",
    "make",
    "register",
    "registered_envs",
    "registration",
    "visualize",
    "wrappers",
]
