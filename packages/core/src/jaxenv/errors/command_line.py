"""What the commands of ``jaxenv`` raise: ``check``, ``fidelity``, ``new-plugin``, ``play`` and what a plugin adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxenv.errors.base import JaxenvError
from jaxenv.errors.formatting import listed, short


class SettingError(JaxenvError, ValueError):
    """An option of the command line has a value that it cannot have."""

    def __init__(self, option: str, given: str, expected: str) -> None:
        super().__init__(f"{option} is {given!r}, but {expected} was expected. Correct the option.")


class MemoryLimitError(JaxenvError, ValueError):
    """An option of the command line asks for more than fits into memory."""

    def __init__(self, option: str, given: int, what: str, each: int, limit: int) -> None:
        super().__init__(
            f"{option} is {given:,}, which does not fit into memory: {what} takes at least {each:,} bytes, and there are "
            f"{limit / 1e9:.3g} GB. Choose at most {limit // max(1, each):,}."
        )


class CommandClashError(JaxenvError, LookupError):
    """Several plugins offer a command of the same name."""

    def __init__(self, name: str, namespaces: Sequence[str]) -> None:
        super().__init__(
            f"The plugins {listed(namespaces, 'and')} all offer a command {name!r}, so none of them runs. "
            "Uninstall all but one, or name the others in JAXENV_DISABLED_PLUGINS."
        )


class PolicyClashError(JaxenvError, LookupError):
    """Several plugins load policies under the same name."""

    def __init__(self, name: str, namespaces: Sequence[str]) -> None:
        super().__init__(
            f"The plugins {listed(namespaces, 'and')} all load policies as {name!r}, so none of them does. "
            "Uninstall all but one, or name the others in JAXENV_DISABLED_PLUGINS."
        )


class NoOracleError(JaxenvError, LookupError):
    """An environment cannot be compared with a reference."""

    def __init__(self, env_id: str) -> None:
        super().__init__(
            f"{env_id} names no oracle, so there is no reference to compare it with. "
            "Choose an environment for which `jaxenv show` names one, or write one and name it in the EnvSpec."
        )


class NothingToCheckError(JaxenvError, LookupError):
    """``jaxenv check`` was given no environment."""

    def __init__(self) -> None:
        super().__init__(
            "There is no environment to check. Name ids or module:Class, a --namespace that `jaxenv list` shows, or --all."
        )


class PluginNameError(JaxenvError, ValueError):
    """A new plugin cannot have this name."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"A plugin cannot be named {short(given)}. Choose lower-case words of letters and digits joined by '-', other than "
            "'local', without 'jaxenv' in front: the package will be called jaxenv-NAME."
        )


class PluginTakenError(JaxenvError, ValueError):
    """A new plugin would take the place of something that is there already."""

    def __init__(self, name: str, owner: str) -> None:
        super().__init__(
            f"A plugin cannot be named {short(name)}, as {owner}, and installing another would replace it. Choose another name."
        )


class ProjectExistsError(JaxenvError, FileExistsError):
    """The directory of a new plugin is there already."""

    def __init__(self, path: Any) -> None:
        super().__init__(
            f"{path} exists already, and nothing in it was changed. Choose another name, or another directory with --path."
        )


class NoTerminalError(JaxenvError, OSError):
    """``jaxenv play`` has nobody to listen to."""

    def __init__(self, stream: str = "input") -> None:
        what = {"input": "reads single keys", "output": "draws on the screen"}[stream]
        super().__init__(f"jaxenv play {what}, but standard {stream} is no Unix terminal. Run it in a terminal window.")


class NoControlsError(JaxenvError, TypeError):
    """An action has a shape that has no keys."""

    def __init__(self, name: str, space: Any) -> None:
        super().__init__(
            f"{name}'s action space is {space}, for which jaxenv play has no keys. Wrap the environment so that its actions are "
            "Discrete or a short Box, or watch it with jaxenv render."
        )
