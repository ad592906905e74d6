"""``check_env``: does an environment keep the promises of the protocol?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxenv.errors import ConformanceError, UnknownCheckError
from jaxenv.registry.spec import EnvSpec
from jaxenv.testing.causes import explain
from jaxenv.testing.checks import CHECKS, Check
from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import ConformanceReport, Inconclusive, Result, Violation


def check_env(
    env: Any,
    params: Any = None,
    *,
    spec: EnvSpec | None = None,
    differentiable: bool | None = None,
    only: Iterable[str] | None = None,
    seed: int = 0,
) -> ConformanceReport:
    """Check that ``env`` keeps every promise of the protocol.

    Args:
        env: the environment, or a stack of wrappers around one.
        params: the parameters to check with; ``None`` means ``default_params``.
        spec: the EnvSpec it was made from, if it was made from one.
        differentiable: whether its gradients must be finite; ``None`` asks the environment's own ``differentiable``.
        only: names of the checks to run; ``None`` runs all of them.
        seed: seed of the random play.

    Returns:
        A report: every check with what it found, and what could not be tested.

    Raises:
        ConformanceError: a promise is broken. Its ``report`` holds the same report.
    """
    tested = EnvironmentUnderTest(env, params, spec=spec, differentiable=differentiable, seed=seed)
    report = ConformanceReport(spec.id if spec else tested.name, tuple(ConformanceRun(tested).results(only)))
    if not report.passed:
        raise ConformanceError(report)
    return report


class ConformanceRun:
    """The checks of one environment: each runs once, when it is asked for, after the foundations before it in the table."""

    def __init__(self, tested: EnvironmentUnderTest) -> None:
        self.tested = tested
        self._results: dict[str, Result] = {}

    def results(self, only: Iterable[str] | None = None) -> Iterator[Result]:
        """Yield the results of the checks with these names, or of all; and of any foundation of theirs that failed."""
        names = {check.name for check in CHECKS} if only is None else set(only)
        known = [check.name for check in CHECKS]
        for unknown in sorted(names - set(known)):
            raise UnknownCheckError(unknown, known)
        last = max((known.index(name) for name in names), default=-1)
        for check in CHECKS[: last + 1]:
            if check.name in names or (check.foundation and self.result(check).outcome == "failed"):
                yield self.result(check)

    def result(self, check: Check) -> Result:
        """Return what ``check`` finds."""
        if check.name not in self._results:
            self._results[check.name] = self._run(check)
        return self._results[check.name]

    def _run(self, check: Check) -> Result:
        for foundation in CHECKS[: CHECKS.index(check)]:
            if foundation.foundation and self.result(foundation).outcome == "failed":
                return Result(
                    check.name, check.promise, "inconclusive", f"not tried, because {foundation.name!r} failed", foundation.name
                )
        try:
            check.run(self.tested)
        except Violation as violation:
            return Result(check.name, check.promise, "failed", str(violation))
        except Inconclusive as reason:
            return Result(check.name, check.promise, "inconclusive", str(reason))
        except Exception as error:
            return Result(check.name, check.promise, "failed", f"the environment failed: {explain(error, self.tested.env)}")
        return Result(check.name, check.promise, "passed")
