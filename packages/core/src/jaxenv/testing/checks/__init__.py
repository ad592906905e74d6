"""The promises of an environment, all on one screen, with the functions that test them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from jaxenv.testing.checks import episodes, execution, gradients, hooks, identity, types
from jaxenv.testing.environment_under_test import EnvironmentUnderTest


@dataclasses.dataclass(frozen=True)
class Check:
    """One promise and its test."""

    name: str
    """What reports, ``--only`` and pytest call it."""
    promise: str
    """What is promised, a sentence."""
    run: Callable[[EnvironmentUnderTest], None]
    """Returns if the promise was kept; raises Violation or Inconclusive."""

    @property
    def foundation(self) -> bool:
        """Whether nothing further can be tried where this one fails."""
        return self.name in FOUNDATIONS


CHECKS = (
    Check("environment", "The environment is an instance of a subclass of jaxenv.Environment.", identity.is_environment),
    Check("hooks", "The hooks are there, with the arguments that the protocol gives them.", identity.has_hooks),
    Check("params", "The params are numbers and arrays, the time limit among them.", identity.has_params),
    Check("hashable", "The environment can be hashed, so it can be a static argument of jax.jit.", identity.is_hashable),
    Check("equal_by_value", "A copy of the environment equals it, so both share one compilation.", identity.equals_by_value),
    Check("pickle", "The environment can be pickled, so other processes can have it.", identity.can_be_pickled),
    Check("docstring", "The class says what the task is.", identity.has_docstring),
    Check("spec", "The EnvSpec has a summary, a reference, and settings that its environment knows.", identity.has_spec),
    Check("reset", "reset and the spaces can be traced by jax.jit.", types.reset_traces),
    Check("step", "step and step_env can be traced by jax.jit, on their own results too.", types.step_traces),
    Check("stable_types", "reset and step return one structure, with the same shapes, dtypes and weak types.", types.types_stay),
    Check("dtypes", "Reward and discount are float32, flags bool, time int32, and nothing is weakly typed.", types.types_are_fixed),
    Check("observation_type", "Observations have the structure, shape and dtype of observation_space.", types.observation_has_type),
    Check("params_used", "What the hooks do follows from the params that they are given.", hooks.params_are_used),
    Check("info", "transition's info leaves the names to jaxenv that jaxenv writes.", types.info_is_free),
    Check("sizes", "num_actions and state_space give their answers.", types.sizes_are_known),
    Check("x64", "With 64-bit types enabled, observations, reward, flags and time keep their dtypes.", types.works_in_x64),
    Check("params_vmap", "Each leaf of the params can be batched with jax.vmap, alone and together.", types.params_can_be_batched),
    Check("key_reuse", "No random key is drawn from twice.", types.keys_are_spent_once),
    Check("draws", "draws_in_init and draws_in_transition say which of the two draws from its key.", hooks.draws_are_declared),
    Check("render", "The drawing, where there is one, is a uint8 image of three channels, made in JAX.", identity.draws),
    Check("scan", "A batch of environments runs in jax.lax.scan.", execution.scans),
    Check("vmap", "Each environment of a batch does what it does alone.", execution.loops),
    Check("eager", "Compiled and uncompiled steps give the same.", execution.runs_eagerly),
    Check("same_key", "The same keys give the same play.", execution.repeats),
    Check("different_keys", "Different keys give different plays, where anything is random.", execution.differs),
    Check("raw_keys", "Typed and raw uint32 keys give the same play.", execution.takes_raw_keys),
    Check("retrace", "One compilation serves every step, and every equal environment.", execution.compiles_once),
    Check(
        "ranges", "Under jaxenv.checks(), params, actions and observations of a reset and a step are inside.", execution.is_inside
    ),
    Check("actions", "Actions that action_space draws are members of it.", episodes.actions_are_inside),
    Check("observations", "Every observation is a member of observation_space.", episodes.observations_are_inside),
    Check("nan", "No observation, state, reward or info is ever NaN.", episodes.nothing_is_nan),
    Check("rewards", "Every reward is finite.", episodes.rewards_are_finite),
    Check("done", "done is terminated | truncated.", episodes.flags_agree),
    Check("discount", "info['discount'] is 0 where the task terminated, else 1.", episodes.discount_agrees),
    Check("final_observation", "final_observation is the observation before the reset.", episodes.final_observation_is_last),
    Check("observe", "An observation is a pure function of the state that comes with it.", episodes.observe_is_pure),
    Check("step_env", "step_env takes the very step that step takes, without the reset.", episodes.step_env_is_step),
    Check("restart", "After the end of an episode, step returns a state that init and carry_over produce.", episodes.restarts),
    Check(
        "no_own_reset", "transition returns the state that ends an episode, and leaves the reset to jaxenv.", hooks.resets_are_left
    ),
    Check("clock", "state.time is 0 after a reset and grows by one with each step.", episodes.clock_runs),
    Check("time_limit", "An episode is truncated on exactly the step max_steps_in_episode.", episodes.limit_is_exact),
    Check("gradients", "Where promised, gradients of a step are finite, and not all zero.", gradients.gradients_are_finite),
)
"""Every check, in the order they run in."""

FOUNDATIONS = frozenset({"environment", "hooks", "params", "hashable", "reset", "step", "scan"})
"""Where one of these fails, nothing that comes after it can be tried."""
