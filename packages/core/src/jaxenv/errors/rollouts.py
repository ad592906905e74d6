"""What can be wrong with the size of a rollout or with its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import short


class RolloutArgumentError(JaxenvError, ValueError):
    """A size of a rollout is not a positive integer, or another argument has no meaning."""

    def __init__(self, name: str, given: Any, wanted: str = "must be a positive integer") -> None:
        advice = "Sizes are static: pass a Python int." if "integer" in wanted else "Pass one of these."
        super().__init__(f"{name} {wanted}, but {short(given)} was given. {advice}")


class RolloutStateError(JaxenvError, ValueError):
    """A rollout can't begin with the given states or carries."""

    def __init__(self, name: str, what: str, num_envs: int | None) -> None:
        if num_envs is None:
            reason = (
                f"{name} steps in a way of its own, so that its observations can't be found from its states. "
                "Roll out what is beneath it"
            )
        else:
            reason = (
                f"every leaf of {what} must have a leading axis of {num_envs}, one for each environment. "
                "Pass those of an earlier result"
            )
        super().__init__(f"The rollout can't begin with the given {what}: {reason}, or leave {what} out to reset the environments.")


class RolloutParamsError(JaxenvError, ValueError):
    """The environments of a rollout have no parameters of their own."""

    def __init__(self, num_envs: int, path: str, given: str) -> None:
        super().__init__(
            f"With params_axis=0 every leaf of params needs a leading axis of {num_envs}, one for each environment, "
            f"but {path} is {given}. Make them with jax.vmap, such as jax.vmap(lambda x: params.replace(gravity=x))(values), "
            "or leave params_axis out."
        )


class RolloutMeshError(JaxenvError, ValueError):
    """The environments of a rollout cannot be shared out equally."""

    def __init__(self, num_envs: int, devices: int) -> None:
        super().__init__(
            f"num_envs is {num_envs}, but the mesh has {devices} devices, and each must get the same number of environments. "
            f"Choose a multiple of {devices}."
        )


class RolloutFusedError(JaxenvError, NotImplementedError):
    """A rollout that must be played by one kernel can't be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"The rollout of {name} can't be played by one kernel, because of {reason}. "
            "Leave fused out to play by a scan whatever can't."
        )


class RolloutPolicyError(JaxenvError, TypeError):
    """A policy can't be called with what it is given, or returns something else than it should."""


class RolloutEnvironmentError(JaxenvError, TypeError):
    """What is to be played is no single environment."""

    def __init__(self, given: Any, action: str) -> None:
        super().__init__(f"A rollout plays one environment in a batch of its own, but {short(given)} was given. {action}")


class RolloutKeywordsError(JaxenvError, TypeError):
    """RolloutWrapper was given settings for an environment that is made already."""

    def __init__(self, env_kwargs: Mapping[str, Any]) -> None:
        super().__init__(
            f"env_kwargs are settings for jaxenv.make, but an environment was given, so {', '.join(env_kwargs)} would be ignored. "
            "Make the environment with them, or pass env_name in place of env."
        )


class RolloutLengthError(JaxenvError, ValueError):
    """The environment does not determine the length of a rollout."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has no time limit, so the length of a rollout is unknown. Pass num_env_steps, or set max_steps_in_episode."
        )


class EvaluationLengthError(JaxenvError, ValueError):
    """Episodes may never end, and nothing says when to stop."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no time limit, so an episode may never end. Pass max_steps, or set max_steps_in_episode.")


class EvaluationMembersError(JaxenvError, ValueError):
    """The parameters of a population don't agree on how many members there are."""

    def __init__(self, sizes: list[int | None]) -> None:
        found = "there are no parameters" if not sizes else f"their leaves have {', '.join(map(str, sizes))}"
        super().__init__(
            "With policy_params_axis=0 every leaf of policy_params must have a leading axis with one entry for each member, "
            f"but {found}. Stack the members' parameters, or leave policy_params_axis out."
        )


class RolloutEnvError(JaxenvError, TypeError):
    """RolloutWrapper was given no environment, or two."""

    def __init__(self, env_name: Any, env: Any) -> None:
        super().__init__(
            f"RolloutWrapper takes either env_name or env, but env_name={short(env_name)} and env={short(env)} were given. "
            "Pass exactly one of them."
        )
