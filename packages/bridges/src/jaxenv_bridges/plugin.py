"""One plugin for each suite, as data: importing this module imports no suite and no JAX.

A plugin lists the environments of its suite where that is installed, and none elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from jaxenv.hookspecs import hookimpl
from jaxenv.registry.spec import EnvSpec

from jaxenv_bridges.suites import SUITES, Suite, is_installed, is_older
from jaxenv_bridges.tables import CLASSES, SINCE, TABLES


class SuitePlugin:
    """The plugin of one suite."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite

    @property
    def requires(self) -> str:
        """What has to be installed beside this distribution: its extra of that name does it."""
        return self.suite.name

    def all_envs(self) -> tuple[EnvSpec, ...]:
        """Return the specs of all environments that the suite has, installed or not."""
        name = self.suite.name
        return tuple(
            EnvSpec(
                name=task,
                entry_point=f"jaxenv_bridges.{name}:{CLASSES[name]}",
                kwargs={"task": task},
                summary=summary,
                reference=self.suite.reference,
                group=tasks[0] if len(tasks) > 1 else None,
                full_id_only=True,
            )
            for summary, tasks in TABLES[name].items()
            for task in tasks
        )

    @hookimpl
    def jaxenv_envs(self) -> Iterable[EnvSpec]:
        """Return the specs of the environments that the installed version of the suite has; none where it is not installed."""
        if not is_installed(self.suite.name):
            return ()
        minimum, added = SINCE.get(self.suite.name, ("0", ()))
        missing = added if is_older(self.suite.name, minimum) else ()
        return tuple(spec for spec in self.all_envs() if not spec.name.startswith(missing))


brax = SuitePlugin(SUITES["brax"])
craftax = SuitePlugin(SUITES["craftax"])
gymnax = SuitePlugin(SUITES["gymnax"])
jumanji = SuitePlugin(SUITES["jumanji"])
navix = SuitePlugin(SUITES["navix"])
pgx = SuitePlugin(SUITES["pgx"])
xminigrid = SuitePlugin(SUITES["xminigrid"])
