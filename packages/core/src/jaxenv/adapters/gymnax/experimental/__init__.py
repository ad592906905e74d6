"""gymnax's rollouts."""

from jaxenv.adapters.gymnax.experimental import rollout
from jaxenv.adapters.gymnax.experimental.rollout import RolloutWrapper

__all__ = ["RolloutWrapper", "rollout"]
