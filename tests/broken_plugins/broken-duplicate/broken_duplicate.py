"""A plugin with two environments of one name."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return [
        EnvSpec("Thing-v0", "broken_duplicate:Thing"),
        EnvSpec("Other-v0", "broken_duplicate:Other"),
        EnvSpec("Thing-v0", "broken_duplicate:Other"),
    ]
