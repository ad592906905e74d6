"""The hooks that a plugin implements.

A plugin is a module (or any object) that a distribution declares as an entry point in the group ``jaxenv``; the entry point's name
is the plugin's namespace::

    [project.entry-points.jaxenv]
    gridworlds = "my_gridworlds.plugin"

The module implements any of the functions below, with the same name and no arguments, each marked with :data:`hookimpl`.
It should import neither JAX nor an environment, because listing what is installed imports every plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jaxenv.registry.spec import Command, EnvSpec, PolicySource

_HookT = TypeVar("_HookT")


class _Marker(Protocol):
    def __call__(self, function: _HookT, /) -> _HookT: ...


hookspec = cast("Any", pluggy.HookspecMarker("jaxenv"))
hookimpl = cast("_Marker", pluggy.HookimplMarker("jaxenv"))
"""Marks a function as an implementation of the hook of the same name."""


@hookspec
def jaxenv_envs() -> Iterable[EnvSpec]:
    """Return the environments of this plugin.

    Called once a process, when an environment is first listed, looked up or made. Pure data: every spec names its environment
    as a ``"module:Class"`` string, and jaxenv imports that module when the environment is made.

    The specs of one plugin are taken all together or not at all: one that is invalid, or two with the same name, and the whole
    plugin is refused with a warning that says why. No plugin can change or remove another's environments.

    Returns:
        An iterable of :class:`jaxenv.EnvSpec`, in the order in which ``jaxenv list`` should show them. Leave ``namespace``,
        ``distribution`` and ``version`` unset; jaxenv fills them in.

    Example::

        from jaxenv import EnvSpec
        from jaxenv.hookspecs import hookimpl

        @hookimpl
        def jaxenv_envs():
            return [EnvSpec("Maze-v0", "my_gridworlds.maze:Maze", summary="Find the way out of a maze.")]
    """
    raise NotImplementedError


@hookspec
def jaxenv_commands() -> Iterable[Command]:
    """Return commands that join the ``jaxenv`` command line.

    Called once a process, together with :func:`jaxenv_envs`. Pure data: each command names a Typer application or a function as a
    ``"module:object"`` string, and jaxenv imports that module when the command is run or asked for its help.

    The names of jaxenv's own commands are taken. If two plugins offer a command of the same name, neither runs: the command
    line says which two they are.

    Returns:
        An iterable of :class:`jaxenv.registry.Command`.

    Example::

        from jaxenv.hookspecs import hookimpl
        from jaxenv.registry import Command

        @hookimpl
        def jaxenv_commands():
            return [Command("draw-maze", "my_gridworlds.draw:main", help="Draw a maze in the terminal.")]
    """
    raise NotImplementedError


@hookspec
def jaxenv_policies() -> Iterable[PolicySource]:
    """Return kinds of policies that this plugin loads, for every command with an option ``--policy``.

    Called once a process, together with :func:`jaxenv_envs`. Pure data: each names a function as a ``"module:function"`` string,
    and jaxenv imports that module when a user writes ``--policy NAME:ARGUMENT``. The function is called as
    ``function(argument, spec, env, params)`` and returns a :class:`jaxenv.registry.LoadedPolicy`: a policy as
    :func:`jaxenv.rollout` takes it, with its parameters and its initial carry where it has them.

    A name of this kind comes before a module of the same name in ``--policy module:function``. If two plugins offer the same
    name, neither is used: the command line says which two they are.

    Returns:
        An iterable of :class:`jaxenv.registry.PolicySource`.

    Example::

        from jaxenv.hookspecs import hookimpl
        from jaxenv.registry import PolicySource

        @hookimpl
        def jaxenv_policies():
            return [PolicySource("wall-follower", "my_gridworlds.follower:load", help="left or right")]
    """
    raise NotImplementedError
