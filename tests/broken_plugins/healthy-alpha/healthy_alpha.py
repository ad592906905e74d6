"""A healthy plugin with an environment and a command."""

from jaxenv import EnvSpec
from jaxenv.hookspecs import hookimpl
from jaxenv.registry import Command


@hookimpl
def jaxenv_envs():
    return [EnvSpec("Counter-v0", "healthy_alpha_env:Counter", summary="Count to three.")]


@hookimpl
def jaxenv_commands():
    return [Command("alpha-hello", "healthy_alpha_command:hello", help="Say hello.")]
