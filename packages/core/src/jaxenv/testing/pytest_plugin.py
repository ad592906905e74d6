"""``pytest --jaxenv NAMESPACE``: one test for each id of the namespace and each check of the conformance kit.

pytest loads this module in every run where jaxenv-core is installed, so it imports nothing but pytest until it is asked
for something.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from jaxenv.registry.spec import EnvSpec
    from jaxenv.testing.checks import Check
    from jaxenv.testing.conformance import ConformanceRun


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--jaxenv``."""
    parser.getgroup("jaxenv").addoption(
        "--jaxenv",
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="Also test every environment of this namespace (or this id) with jaxenv's conformance kit; may be repeated.",
    )


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the tests that ``--jaxenv`` asks for."""
    for target in cast("list[str]", config.getoption("--jaxenv")):
        for spec in _specs(target):
            node = EnvironmentNode.from_parent(session, name=spec.id, nodeid=spec.id, path=session.path, spec=spec)
            items.extend(node.collect())


def _specs(target: str) -> tuple[EnvSpec, ...]:
    """Return the specs of a namespace, or of one id."""
    from jaxenv.errors import JaxenvError
    from jaxenv.registry.lookup import registered_envs, spec

    try:
        return registered_envs(target) or (spec(target),)
    except JaxenvError as error:
        raise pytest.UsageError(f"--jaxenv {target}: there is no such namespace. {error}") from error


class EnvironmentNode(pytest.Collector):
    """One id. Its tests share one conformance run and what it compiled."""

    def __init__(self, *, spec: EnvSpec, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = spec

    def collect(self) -> list[pytest.Item]:
        """Return one test for each check."""
        from jaxenv.testing.checks import CHECKS

        return [CheckItem.from_parent(self, name=check.name, check=check) for check in CHECKS]

    @cached_property
    def conformance_run(self) -> ConformanceRun:
        """The environment under test; made when the first of its tests runs."""
        from jaxenv.registry.lookup import make
        from jaxenv.testing.conformance import ConformanceRun
        from jaxenv.testing.environment_under_test import EnvironmentUnderTest

        env, params = make(self.spec)
        return ConformanceRun(EnvironmentUnderTest(env, params, spec=self.spec))


class CheckItem(pytest.Item):
    """One check of one id."""

    parent: EnvironmentNode

    def __init__(self, *, check: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        if self.config.pluginmanager.hasplugin("xdist"):  # with --dist loadgroup, one worker compiles for all of an id's tests
            self.add_marker(pytest.mark.xdist_group(self.parent.spec.id))

    def runtest(self) -> None:
        """Fail with the kit's sentence, or skip with what could not be tested."""
        result = self.parent.conformance_run.result(self.check)
        if result.outcome == "failed":
            pytest.fail(f"{self.parent.spec.id}: {result.message}\n(promised: {result.promise})", pytrace=False)
        if result.outcome == "inconclusive":
            pytest.skip(result.message)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where pytest says the test is: the id has no file."""
        return self.path, None, self.nodeid
