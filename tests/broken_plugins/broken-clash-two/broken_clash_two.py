"""A plugin that claims the namespace of another distribution."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return [EnvSpec("Thing-two", "broken_clash_two:Thing")]
