"""A plugin that implements a hook that there is not."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return [EnvSpec("Thing-v0", "broken_unknown_hook:Thing")]


@hookimpl
def jaxenv_environments():
    return []
