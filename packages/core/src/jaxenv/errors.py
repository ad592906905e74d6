"""Every exception of jaxenv and every message it can carry.

A message is a sentence that ends in an action: what was given, what was expected, what to do. Each class derives from
:class:`JaxenvError` and from the builtin that a caller would expect to catch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class JaxenvError(Exception):
    """Base class of everything that jaxenv raises on purpose."""


# -- the protocol --------------------------------------------------------------------------------------------------


class KeyTypeError(JaxenvError, TypeError):
    """Something that is not a JAX random key was passed as one."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"key must be a JAX random key, but {type(given).__name__} {_short(given)} was given. "
            "Pass jax.random.key(seed) or jax.random.PRNGKey(seed)."
        )


class ParamsTypeError(JaxenvError, TypeError):
    """Parameters of another environment were passed."""

    def __init__(self, name: str, given: Any, expected: type) -> None:
        super().__init__(
            f"{name} takes params of type {expected.__module__}.{expected.__qualname__}, but "
            f"{type(given).__module__}.{type(given).__qualname__} was given. "
            "Start from env.default_params and change leaves with .replace(...), or pass None for the defaults."
        )


class ParamsLeafError(JaxenvError, TypeError):
    """A parameter that counts something was given a fraction."""

    def __init__(self, name: str, where: str, given: str) -> None:
        super().__init__(f"{name}: params{where} is {given}, but an integer was expected. Pass an int or an integer array.")


class StateMismatchError(JaxenvError, TypeError):
    """A state does not have the structure or dtypes that the last state had."""

    def __init__(self, name: str, where: str, given: str, expected: str) -> None:
        super().__init__(
            f"{name}: {where} is {given}, but {expected} was expected: every state of an episode must have the same "
            "structure, shapes and dtypes. Make init, transition and carry_over agree."
        )


class TransitionValueError(JaxenvError, ValueError):
    """A transition returned a reward or a flag that is not a scalar."""

    def __init__(self, name: str, field: str, shape: tuple[int, ...]) -> None:
        super().__init__(
            f"{name}: transition returned a {field} of shape {shape}, but a scalar was expected. "
            "Hooks see one environment: return one number, and let the caller use jax.vmap."
        )


class RenderNotSupportedError(JaxenvError, NotImplementedError):
    """The environment has no drawing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not define render(state, params, size), so it cannot be drawn. Define it on the class.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# -- spaces --------------------------------------------------------------------------------------------------------


class SpaceDefinitionError(JaxenvError, ValueError):
    """A space was described in a way that makes no space; the message says what is wrong and what to pass."""


class SpaceMismatchError(JaxenvError, ValueError):
    """A value has not the structure, shape or kind of dtype that a space's members have."""

    def __init__(self, what: str, given: str, space: Any, advice: str) -> None:
        super().__init__(f"{what} is {given}, but a member of {_short(space)} was expected. {advice}")


class SpaceConversionError(JaxenvError, ValueError):
    """A space has no counterpart in another form; the message says which and what to use."""


class FrozenSpaceError(JaxenvError, AttributeError):
    """Somebody tried to change a space."""

    def __init__(self, space: Any, name: str) -> None:
        super().__init__(f"{_short(space)} cannot be changed, so {name} stays as it is. Make another space.")


class MissingExtraError(JaxenvError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed. Run: pip install 'jaxenv-core[{extra}]'")


# -- the registry --------------------------------------------------------------------------------------------------


class InvalidSpecError(JaxenvError, ValueError):
    """A field of an EnvSpec holds something that it cannot hold."""

    def __init__(self, name: Any, field: str, given: Any, expected: str) -> None:
        super().__init__(
            f"EnvSpec {_short(name)}: {field} is {_short(given)}, but {expected} was expected. "
            "Correct it where the spec is written."
        )


class InvalidCommandError(JaxenvError, ValueError):
    """A field of a Command holds something that it cannot hold."""

    def __init__(self, name: Any, field: str, given: Any, expected: str) -> None:
        super().__init__(
            f"Command {_short(name)}: {field} is {_short(given)}, but {expected} was expected. "
            "Correct it where the command is written."
        )


class RegisterTypeError(JaxenvError, TypeError):
    """Something that is neither an EnvSpec nor an Environment class was registered."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"register takes an EnvSpec or a subclass of Environment, but {type(given).__name__} {_short(given)} was given. "
            "Pass the class itself, or an EnvSpec that names it."
        )


class HookResultError(JaxenvError, TypeError):
    """A plugin's hook returned the wrong type."""

    def __init__(self, hook: str, given: Any, expected: str) -> None:
        super().__init__(
            f"{hook} gave {type(given).__name__} {_short(given)}, but an iterable of {expected} was expected. "
            f"Return a list of {expected}."
        )


class DuplicateNameError(JaxenvError, ValueError):
    """A plugin gave one name to two things."""

    def __init__(self, hook: str, names: Sequence[str]) -> None:
        super().__init__(f"{hook} gave more than one entry the name {_listed(names, 'and')}. Give each its own.")


class NoHookError(JaxenvError, TypeError):
    """A plugin implements no hook."""

    def __init__(self, entry_point: str) -> None:
        super().__init__(f"{entry_point} implements no hook. Decorate its jaxenv_envs function with jaxenv.hookspecs.hookimpl.")


class NamespaceError(JaxenvError, ValueError):
    """A plugin's entry point has a name that cannot be a namespace."""

    def __init__(self, namespace: str, rule: str) -> None:
        super().__init__(f"the entry point's name {namespace!r} is no namespace: {rule} was expected. Rename the entry point.")


class DiscoveryError(JaxenvError, RuntimeError):
    """A plugin asked which environments there are while plugins were being loaded."""

    def __init__(self) -> None:
        super().__init__(
            "The registry was asked for environments while it was loading the plugins. Ask in a function that is called later, "
            "not when the plugin's module is imported."
        )


class PluginError(JaxenvError, RuntimeError):
    """A plugin was refused; its ``__cause__`` is what went wrong."""

    def __init__(self, namespace: str, distribution: str, version: str, reason: str) -> None:
        super().__init__(
            f"Plugin '{namespace}' of {distribution} {version} is refused: {reason.rstrip('.')}. "
            f"Repair or uninstall {distribution}, or set JAXENV_DISABLED_PLUGINS={namespace}."
        )


class NamespaceClashError(PluginError):
    """Two distributions claim one namespace."""

    def __init__(self, namespace: str, claimants: Sequence[str]) -> None:
        JaxenvError.__init__(
            self,
            f"Plugin '{namespace}' is refused: the distributions {_listed(claimants, 'and')} claim this namespace. "
            f"Uninstall all but one, or set JAXENV_DISABLED_PLUGINS={namespace}.",
        )


class PluginWarning(UserWarning):
    """A plugin was refused; every other plugin works."""


class UnknownEnvError(JaxenvError, LookupError):
    """No environment has this id."""

    def __init__(self, env_id: Any, hints: Sequence[str] = ()) -> None:
        sentences = [f"No environment has the id {_short(env_id)}.", *hints, "Run `jaxenv list` to see which there are."]
        super().__init__(" ".join(sentences))


class AmbiguousEnvError(JaxenvError, LookupError):
    """Several environments have this short id."""

    def __init__(self, env_id: str, full_ids: Sequence[str]) -> None:
        super().__init__(f"Several environments are named {_short(env_id)}. Write one of the full ids: {', '.join(full_ids)}.")


class UnavailableEnvError(JaxenvError, LookupError):
    """The id belongs to a plugin that is refused or disabled."""

    def __init__(self, env_id: str, reason: str) -> None:
        super().__init__(f"Environment {_short(env_id)} is not available. {reason}")


class EntryPointError(JaxenvError, ImportError):
    """The object that a spec or a command names cannot be imported, or is of the wrong kind."""

    def __init__(self, owner: str, entry_point: str, reason: str, action: str) -> None:
        super().__init__(f"{owner} names {entry_point!r}, which cannot be used: {reason.rstrip('.')}. {action}")


class UnknownOverrideError(JaxenvError, TypeError):
    """A keyword of ``make`` is neither a field of the environment nor a leaf of its params."""

    def __init__(self, env_id: str, name: str, fields: Sequence[str], params: Sequence[str], near: Sequence[str]) -> None:
        super().__init__(
            f"{env_id} has neither a field nor a param named {name!r}. Fields: {', '.join(fields) or 'none'}. "
            f"Params: {', '.join(params) or 'none'}. " + (f"Did you mean {_listed(near)}?" if near else "Choose one of these.")
        )


class AmbiguousOverrideError(JaxenvError, TypeError):
    """A keyword of ``make`` names several leaves of the params at the same depth."""

    def __init__(self, env_id: str, name: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"{env_id} has several params named {name!r}: {_listed(paths, 'and')}. "
            "Change the one you mean in the params that make returns, with .replace(...)."
        )


class OverrideValueError(JaxenvError, ValueError):
    """A field or a param was given a value that it cannot take."""

    def __init__(self, env_id: str, name: str, given: Any, expected: str, action: str) -> None:
        super().__init__(f"{env_id}: {name} is {type(given).__name__} {_short(given)}, but {expected} was expected. {action}")


class ConstructionError(JaxenvError, ValueError):
    """An environment refused the values of its fields."""

    def __init__(self, env_id: str, fields: Mapping[str, Any], cause: Exception) -> None:
        given = ", ".join(f"{name}={_short(value)}" for name, value in fields.items()) or "no fields"
        super().__init__(f"{env_id} cannot be built with {given}: {str(cause).rstrip('.')}. Correct the values.")


class NoOracleError(JaxenvError, LookupError):
    """An environment cannot be compared with a reference."""

    def __init__(self, env_id: str) -> None:
        super().__init__(
            f"{env_id} names no oracle, so there is no reference to compare it with. "
            "Choose an environment for which `jaxenv show` names one, or write one and name it in the EnvSpec."
        )


class CommandClashError(JaxenvError, LookupError):
    """Several plugins offer a command of the same name."""

    def __init__(self, name: str, namespaces: Sequence[str]) -> None:
        super().__init__(
            f"The plugins {_listed(namespaces, 'and')} all offer a command {name!r}, so none of them runs. "
            "Uninstall all but one, or name the others in JAXENV_DISABLED_PLUGINS."
        )


class SettingError(JaxenvError, ValueError):
    """An option of the command line has a value that it cannot have."""

    def __init__(self, option: str, given: str, expected: str) -> None:
        super().__init__(f"{option} is {given!r}, but {expected} was expected. Correct the option.")


def _listed(words: Sequence[str], conjunction: str = "or") -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return f" {conjunction} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


# -- rollouts ------------------------------------------------------------------------------------------------------


class RolloutArgumentError(JaxenvError, ValueError):
    """A size of a rollout is not a positive integer."""

    def __init__(self, name: str, given: Any) -> None:
        super().__init__(f"{name} must be a positive integer, but {_short(given)} was given. Sizes are static: pass a Python int.")


class RolloutMeshError(JaxenvError, ValueError):
    """The environments of a rollout cannot be shared out equally."""

    def __init__(self, num_envs: int, devices: int) -> None:
        super().__init__(
            f"num_envs is {num_envs}, but the mesh has {devices} devices, and each must get the same number of environments. "
            f"Choose a multiple of {devices}."
        )


class RolloutLengthError(JaxenvError, ValueError):
    """The length of a rollout cannot be told from the environment."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has no time limit, so the length of a rollout is unknown. Pass num_env_steps, or set max_steps_in_episode."
        )


class RolloutEnvError(JaxenvError, TypeError):
    """RolloutWrapper was given no environment, or two."""

    def __init__(self, env_name: Any, env: Any) -> None:
        super().__init__(
            f"RolloutWrapper takes either env_name or env, but env_name={_short(env_name)} and env={_short(env)} were given. "
            "Pass exactly one of them."
        )


class BenchmarkPeerError(JaxenvError, ImportError):
    """A library that a benchmark should run is unknown or not installed."""

    def __init__(self, library: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"The benchmark cannot run {library!r}: it is not installed, or not one of {', '.join(known)}. "
            "Install it in this environment, or leave it out of --against."
        )


# -- the conformance kit -------------------------------------------------------------------------------------------


class ConformanceError(JaxenvError, AssertionError):
    """An environment breaks promises of the protocol; ``report`` says which."""

    def __init__(self, report: Any) -> None:
        self.report = report
        super().__init__(str(report))


class UnknownCheckError(JaxenvError, LookupError):
    """The conformance kit has no check of this name."""

    def __init__(self, given: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no check named {_short(given)}. Choose from {', '.join(known)}.")


# -- new-plugin ----------------------------------------------------------------------------------------------------


class PluginNameError(JaxenvError, ValueError):
    """A new plugin cannot have this name."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"A plugin cannot be named {_short(given)}. Choose lower-case words of letters and digits joined by '-', other than "
            "'local', without 'jaxenv' in front: the package will be called jaxenv-NAME."
        )


class ProjectExistsError(JaxenvError, FileExistsError):
    """The directory of a new plugin is there already."""

    def __init__(self, path: Any) -> None:
        super().__init__(
            f"{path} exists already, and nothing in it was changed. Choose another name, or another directory with --path."
        )


# -- random numbers ------------------------------------------------------------------------------------------------


class SeedTypeError(JaxenvError, TypeError):
    """A seed is not an integer."""

    def __init__(self, given: Any) -> None:
        super().__init__(
            f"a seed must be an integer, but {type(given).__name__} {_short(given)} was given. Pass an int or an integer array."
        )


class SeedRangeError(JaxenvError, ValueError):
    """A seed does not fit into 64 bits."""

    def __init__(self, given: int) -> None:
        super().__init__(
            f"a seed must be from -2**63 to 2**64 - 1, but {given} was given. Pass a smaller one, such as seed % 2**64."
        )


class RandomSizeError(JaxenvError, ValueError):
    """More random words were asked for than one key has."""

    def __init__(self, given: int) -> None:
        super().__init__(f"one key gives at most 2**32 words at once, but {given} were asked for. Split the key and draw in parts.")


class IntegerRangeError(JaxenvError, ValueError):
    """A range of integers is empty or too wide for one 32-bit word."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(
            f"uniform_int needs 0 < high - low <= 65536, but low = {low} and high = {high} were given. Choose another range."
        )


# -- wrappers ------------------------------------------------------------------------------------------------------


class WrappedTypeError(JaxenvError, TypeError):
    """A wrapper was put around something that is not an environment."""

    def __init__(self, wrapper: str, given: Any) -> None:
        super().__init__(
            f"{wrapper} wraps an environment, but {type(given).__name__} {_short(given)} was given. "
            "Pass the environment alone (make returns it together with its params), and put Vectorize outermost."
        )


class WrapperSpaceError(JaxenvError, ValueError):
    """A wrapper cannot serve the spaces of the environment that it was put around."""

    def __init__(self, wrapper: str, env: str, role: str, space: Any, needed: str, advice: str) -> None:
        super().__init__(f"{wrapper} needs {needed}, but {env} has the {role} {_short(space)}. {advice}")


class WrapperSettingError(JaxenvError, ValueError):
    """A wrapper was given a setting that makes no sense; the message says which and what to pass."""


# -- playing by hand -----------------------------------------------------------------------------------------------


class NoTerminalError(JaxenvError, OSError):
    """``jaxenv play`` has nobody to listen to."""

    def __init__(self) -> None:
        super().__init__("jaxenv play reads single keys, but standard input is no Unix terminal. Run it in a terminal window.")


class NoControlsError(JaxenvError, TypeError):
    """An action has a shape that has no keys."""

    def __init__(self, name: str, space: Any) -> None:
        super().__init__(
            f"{name}'s action space is {space}, for which jaxenv play has no keys. Wrap the environment so that its actions are "
            "Discrete or a short Box, or watch it with jaxenv render."
        )


# -- pictures ------------------------------------------------------------------------------------------------------


class StateSequenceError(JaxenvError, ValueError):
    """There is no state to draw, or the states have too many axes."""

    def __init__(self, axes: int | None = None) -> None:
        super().__init__(
            "state_seq is empty, so there is nothing to draw. Pass at least one state."
            if axes is None
            else f"the states have {axes} leading axes, but at most two were expected, time and environments. Merge the others."
        )


class CumRewardsError(JaxenvError, ValueError):
    """The returns do not match the states."""

    def __init__(self, given: tuple[int, ...], expected: tuple[int, ...]) -> None:
        super().__init__(
            f"cum_rewards has shape {given}, but {expected} was expected: one number for each state of each environment. "
            "Pass the cumulative sum of the rewards, or leave it out."
        )


class PictureFormatError(JaxenvError, ValueError):
    """A file name that does not say a format we can write."""

    def __init__(self, path: str, suffixes: tuple[str, ...]) -> None:
        super().__init__(f"{path!r} does not say a format that can be written. End the name in one of {', '.join(suffixes)}.")


class EncoderMissingError(JaxenvError, ImportError):
    """A package that writes pictures or films is not installed."""

    def __init__(self, suffix: str, package: str) -> None:
        how = "pip install imageio-ffmpeg" if package == "imageio-ffmpeg" else "pip install 'jaxenv-core[visualize]'"
        super().__init__(f"writing {suffix} files needs {package}, which is not installed. Run: {how}")
