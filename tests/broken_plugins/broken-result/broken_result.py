"""A plugin whose hook returns the wrong type."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    return {"Thing-v0": EnvSpec("Thing-v0", "broken_result:Thing")}
