"""A plugin whose hook raises."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    raise RuntimeError("the moon is full")
