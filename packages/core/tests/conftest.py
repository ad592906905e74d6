"""What the tests of core share when they run: two tiny environments, random play, plugins that are not there, the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cli_environments
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import registry_environments
from jaxenv.cli import app, list_envs, main
from jaxenv.registry import Plugin, lookup
from probes import Ladder, Walk


@pytest.fixture(scope="session")
def walk() -> Walk:
    """A walk with the default settings."""
    return Walk()


@pytest.fixture(scope="session")
def ladder() -> Ladder:
    """A ladder with the default settings."""
    return Ladder()


@pytest.fixture(scope="session")
def play() -> Callable[..., Any]:
    """Return a function from an environment and a number of steps to what is seen of them."""

    def play(env: Any, steps: int, params: Any = None, actions: Any = None) -> Any:
        """Return ``(first observation, steps)`` of random or given play, every output of ``step`` along a first axis."""
        key, params = jax.random.key(0), env.default_params if params is None else params

        def one(state: Any, x: Any) -> Any:
            action = env.action_space(params).sample(x[0]) if actions is None else x[1]
            obs, state, reward, done, info = env.step(x[0], state, action, params)
            return state, {"obs": obs, "state": state, "reward": reward, "done": done, "info": info}

        first, state = env.reset(key, params)
        xs = (jax.random.split(key, steps), None if actions is None else jnp.asarray(actions))
        return jax.tree.map(np.asarray, (first, jax.jit(lambda s, x: jax.lax.scan(one, s, x))(state, xs)[1]))

    return play


@pytest.fixture
def pond_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins with toy environments, and no others; an empty namespace ``local``."""
    monkeypatch.setattr(lookup, "found_plugins", lambda: registry_environments.PLUGINS)
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setattr(lookup, "_local_classes", {})


@pytest.fixture
def mill_plugins(monkeypatch: pytest.MonkeyPatch) -> list[Plugin]:
    """One plugin with toy environments, to which a test may add, as the command line sees it; an empty namespace ``local``."""
    found = [cli_environments.plugin()]
    for module in (lookup, list_envs, app):
        name = "found_plugins" if module is lookup else "plugins"
        monkeypatch.setattr(module, name, lambda: tuple(found))
    for command in ("doctor", "new_plugin"):
        monkeypatch.setattr(f"jaxenv.cli.{command}.found_plugins", lambda *, quiet: tuple(found))
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setenv("COLUMNS", "160")
    return found


@pytest.fixture
def jaxenv_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command line and returns exit code, output and error output."""

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(args)
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run
