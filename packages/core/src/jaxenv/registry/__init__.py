"""Which environments there are: what a plugin says about them, how plugins are found, how ids are looked up."""

from __future__ import annotations

from jaxenv.registry.lookup import make, plugins, register, registered_envs
from jaxenv.registry.spec import Command, EnvSpec, LoadedPolicy, Plugin, PolicySource

__all__ = ["Command", "EnvSpec", "LoadedPolicy", "Plugin", "PolicySource", "make", "plugins", "register", "registered_envs"]
