"""What an adapter to another library can't do."""

from __future__ import annotations

from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, named, short


class AdapterArgumentError(JaxenvError, ValueError):
    """An adapter was given something that does not fit its environment; the message is a sentence."""

    @classmethod
    def of(cls, what: str, given: Any, expected: str, action: str) -> AdapterArgumentError:
        """Return the error for an argument of the wrong kind."""
        return cls(f"{what} is {named(given)}, but {expected} was expected. {action}.")


class ResetOptionError(JaxenvError, ValueError):
    """``reset`` was given an option that there is not, or one of the wrong kind."""

    def __init__(self, name: str, given: Any, expected: str) -> None:
        super().__init__(f"reset got options[{name!r}] = {short(given)}, but {expected}.")

    @classmethod
    def unknown(cls, name: str, given: Any, known: tuple[str, ...]) -> ResetOptionError:
        """Return the error for an option that there is not."""
        return cls(name, given, f"there is no such option. Use {listed([repr(option) for option in known])}")


class SeedCountError(JaxenvError, ValueError):
    """Seeds were given for another number of environments."""

    def __init__(self, given: int, num_envs: int) -> None:
        super().__init__(f"reset got {given} seeds for {num_envs} environments. Pass one integer, or {num_envs} of them.")


class ActionBatchError(JaxenvError, ValueError):
    """A batch of actions has another shape than the action space says."""

    def __init__(self, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
        super().__init__(f"step got actions of shape {given}, but {expected} was expected. Pass an action for each environment.")


class NotResetError(JaxenvError, RuntimeError):
    """An environment was stepped before it was reset, or after its episode ended."""

    def __init__(self, ended: int | None = None) -> None:
        super().__init__(
            "step was called before reset. Call reset first."
            if ended is None
            else f"{ended} environments ended and were not reset. Call reset(options={{'reset_mask': terminated | truncated}})."
        )


class RenderModeError(JaxenvError, ValueError):
    """There is no such way to draw, or none was chosen."""

    def __init__(self, mode: Any, known: tuple[str, ...]) -> None:
        super().__init__(
            f"render_mode is {mode!r}, but {listed([repr(known_mode) for known_mode in known])} was expected. Pass it to make."
        )


class NoWindowError(JaxenvError, ImportError):
    """There is no package that opens a window."""

    def __init__(self) -> None:
        super().__init__(
            "render_mode='human' needs pygame or matplotlib, and neither is installed. Run: pip install pygame, or use 'rgb_array'."
        )


class AutoresetModeError(JaxenvError, ValueError):
    """There is no such way to reset."""

    def __init__(self, given: Any, known: tuple[str, ...]) -> None:
        super().__init__(f"autoreset_mode is {named(given)}, but one of {listed(known)} was expected. Pass one of these.")


class SharedStatisticsError(JaxenvError, ValueError):
    """A wrapper shares values between environments of a batch that each have their own here."""

    def __init__(self, env: str) -> None:
        super().__init__(
            f"a wrapper around {env} has an axis_name, but environments behind an adapter share nothing. "
            "Leave axis_name out, or wrap the result with a wrapper of gymnasium.wrappers.vector."
        )


class DatasetNameError(JaxenvError, ValueError):
    """A data set can't have this name."""

    def __init__(self, name: str, reason: str, action: str) -> None:
        super().__init__(f"the data set {name!r} {reason}. {action}.")
