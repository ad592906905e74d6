"""A healthy plugin whose command cannot be imported, and whose hooks are methods of an object."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command


class Plugin:
    @hookimpl
    def jaxenv_envs(self):
        return (EnvSpec("Elsewhere-v0", "a_module_that_is_not_there:Elsewhere"),)

    @hookimpl
    def jaxenv_commands(self):
        return (Command("gamma-broken", "a_module_that_is_not_there:main", help="Fail."),)


plugin = Plugin()
