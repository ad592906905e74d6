"""The suites: which versions are taken, whether one is installed, and how its modules are imported. Imports no JAX and no suite."""

from __future__ import annotations

import importlib
import sys
import warnings
from contextlib import redirect_stdout
from importlib import metadata
from importlib.util import find_spec
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from jaxenv_bridges.errors import SuiteImportError, SuiteMissingError, SuiteVersionError


class Suite(NamedTuple):
    """Another library of environments. Its distribution, its package, its extra and its namespace have one name."""

    name: str
    """The name."""
    minimum: str
    """The lowest version that is taken."""
    reference: str
    """Who wrote it, and where."""


SUITES = {
    suite.name: suite
    for suite in (
        Suite("brax", "0.14", "Brax (Freeman et al. 2021), https://github.com/google/brax"),
        Suite("craftax", "1.6", "Craftax (Matthews et al. 2024), https://github.com/MichaelTMatthews/Craftax"),
        Suite("gymnax", "1.0", "gymnax (Lange 2022), https://github.com/RobertTLange/gymnax"),
        Suite("jumanji", "1.1", "Jumanji (Bonnet et al. 2023), https://github.com/instadeepai/jumanji"),
        Suite("navix", "0.7.4", "NAVIX (Pignatelli et al. 2024), https://github.com/epignatelli/navix"),
        Suite("pgx", "2.6", "Pgx (Koyamada et al. 2023), https://github.com/sotetsuk/pgx"),
        Suite("xminigrid", "0.9.3", "XLand-MiniGrid (Nikulin et al. 2023), https://github.com/dunnolab/xland-minigrid"),
    )
}
"""Every suite by its name."""


def is_installed(suite: str) -> bool:
    """Whether the package of a suite is there; it is not imported, so it may still be broken."""
    try:
        return find_spec(suite) is not None
    except (ImportError, ValueError):  # a module without a spec stands in its place
        return True


def version(suite: str) -> str:
    """Return the version of an installed suite."""
    try:
        return metadata.version(suite)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def is_older(suite: str, minimum: str) -> bool:
    """Whether the version of an installed suite is known and below ``minimum``."""
    try:
        return Version(version(suite)) < Version(minimum)
    except InvalidVersion:
        return False


def load(suite: str, module: str, task: str) -> Any:
    """Import a module of a suite.

    What the suite warns of while it is imported is between the suite and its dependencies, and is not shown; what it prints goes to
    the standard error.

    Raises:
        SuiteMissingError: the suite is not installed.
        SuiteVersionError: it is older than :data:`SUITES` says.
        SuiteImportError: it fails when it is imported.
    """
    if not is_installed(suite):
        raise SuiteMissingError(task, suite)
    installed, minimum = version(suite), SUITES[suite].minimum
    if is_older(suite, minimum):
        raise SuiteVersionError(task, suite, installed, minimum)
    try:
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise SuiteImportError(task, suite, installed, module, describe_exception(error)) from error


def describe_exception(error: BaseException) -> str:
    """Return the type and the message of an exception on one line of at most 300 characters."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
