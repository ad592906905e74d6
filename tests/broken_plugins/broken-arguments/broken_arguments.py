"""A plugin whose hook takes arguments that it is not given."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs(config):
    return [EnvSpec("Thing-v0", "broken_arguments:Thing")]
