"""``check_env``: does an environment keep the promises of the protocol?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxenv.errors import ConformanceError, UnknownCheckError
from jaxenv.testing.checks import CHECKS, Check
from jaxenv.testing.outcomes import Report, Result, Unexercised, Violation, first_line
from jaxenv.testing.subject import Subject


def check_env(
    env: Any,
    params: Any = None,
    *,
    spec: Any = None,
    differentiable: bool | None = None,
    only: Iterable[str] | None = None,
    seed: int = 0,
) -> Report:
    """Check that ``env`` keeps every promise of the protocol.

    Args:
        env: the environment, or a stack of wrappers around one.
        params: the parameters to check with; ``None`` means ``default_params``.
        spec: the EnvSpec it was made from, if it was made from one.
        differentiable: whether its gradients must be finite; ``None`` asks the class attribute ``differentiable``.
        only: names of the checks to run; ``None`` runs all of them.
        seed: seed of the random play.

    Returns:
        A report: every check with what it found, and what could not be exercised.

    Raises:
        ConformanceError: a promise is broken. Its ``report`` holds the same report.
    """
    subject = Subject(env, params, spec=spec, differentiable=differentiable, seed=seed)
    name = getattr(spec, "name", None) or subject.name
    report = Report(name, tuple(run_checks(subject, selected_checks(only))))
    if not report.passed:
        raise ConformanceError(report)
    return report


def selected_checks(only: Iterable[str] | None) -> tuple[Check, ...]:
    """Return the checks with these names, in the order of the table."""
    if only is None:
        return CHECKS
    names = set(only)
    unknown = names - {check.name for check in CHECKS}
    if unknown:
        raise UnknownCheckError(min(unknown), [check.name for check in CHECKS])
    return tuple(check for check in CHECKS if check.name in names)


def run_checks(subject: Subject, checks: Iterable[Check] = CHECKS) -> Iterator[Result]:
    """Yield the result of each check; after a failed foundation the rest is not tried."""
    fallen: Check | None = None
    for check in checks:
        if fallen:
            yield Result(check.name, check.promise, "unexercised", f"not tried, because {fallen.name!r} failed")
            continue
        result = run_check(check, subject)
        yield result
        if check.foundation and result.outcome == "failed":
            fallen = check


def run_check(check: Check, subject: Subject) -> Result:
    """Run one check."""
    try:
        check.run(subject)
    except Violation as violation:
        return Result(check.name, check.promise, "failed", str(violation))
    except Unexercised as reason:
        return Result(check.name, check.promise, "unexercised", str(reason))
    except Exception as error:
        return Result(check.name, check.promise, "failed", f"the environment raised {first_line(error)}")
    return Result(check.name, check.promise, "passed")
