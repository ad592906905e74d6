"""Why an environment of another suite can't be had, or not be drawn."""

from __future__ import annotations

from jaxenv.errors import JaxenvError, RenderNotSupportedError


def install(suite: str) -> str:
    """Return the command that installs a suite."""
    return f"python -m pip install 'jaxenv-bridges[{suite}]'"


class SuiteMissingError(JaxenvError, ImportError):
    """The suite is not installed."""

    def __init__(self, task: str, suite: str) -> None:
        super().__init__(f"{task} needs {suite}, which is not installed. Run {install(suite)}.")


class SuiteVersionError(JaxenvError, ImportError):
    """The suite that is installed is too old."""

    def __init__(self, task: str, suite: str, version: str, minimum: str) -> None:
        super().__init__(f"{task} needs {suite} {minimum} or later, but {version} is installed. Run {install(suite)}.")


class SuiteImportError(JaxenvError, ImportError):
    """The suite is installed, but can't be imported."""

    def __init__(self, task: str, suite: str, version: str, module: str, cause: str) -> None:
        super().__init__(
            f"{task} needs {suite}, but {suite} {version} fails when {module} is imported: {cause.rstrip('.')}. Repair the "
            f"installation of {suite} and of what it depends on, for instance with {install(suite)}."
        )


class SuiteTaskError(JaxenvError, ValueError):
    """The suite can't build the environment."""

    def __init__(self, task: str, suite: str, version: str, cause: str) -> None:
        super().__init__(
            f"{task} can't be built by {suite} {version}: {cause.rstrip('.')}. See whether this version has the environment, "
            "whether it takes the options, and whether data that it downloads is there."
        )


class SuiteSpaceError(JaxenvError, TypeError):
    """A space of the suite has no counterpart."""

    def __init__(self, task: str, space: str) -> None:
        super().__init__(f"{task} has the space {space}, which has no counterpart in jaxenv. Use the suite's own environment.")


class SuiteRenderError(RenderNotSupportedError):
    """The suite draws in a way that can't be a picture made in JAX."""

    def __init__(self, task: str, how: str, instead: str) -> None:
        JaxenvError.__init__(self, f"{task} can't be drawn here, because {how}. {instead}.")
