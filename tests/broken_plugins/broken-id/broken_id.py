"""A plugin with an invalid id."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return [EnvSpec("Thing-v0", "broken_id:Thing"), EnvSpec("not a name", "broken_id:Thing")]
