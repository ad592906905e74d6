"""A healthy plugin that shares a name with healthy-alpha, and gives its environments as a generator."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl


@hookimpl
def jaxenv_envs():
    yield EnvSpec("Counter-v0", "healthy_beta_env:Counter", params={"goal": 5}, summary="Count to five.")
    yield EnvSpec("counters/long", "healthy_beta_env:Counter", params={"goal": 10}, summary="Count to ten.")
