"""``--policy NAME:ARGUMENT``: policies that plugins load, with parameters and carries, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import sys
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import pytest
from jaxenv.errors import InvalidPolicySourceError, SettingError
from jaxenv.registry import LoadedPolicy, PolicySource

pytestmark = pytest.mark.usefixtures("unoptimized")


def always(choice: Any, obs: Any, key: Any) -> Any:
    return choice


def alternating(carry: Any, obs: Any, key: Any) -> Any:
    return carry + 1, carry % 2


def load(argument: str, spec: Any, env: Any, params: Any) -> Any:
    if argument == "alternating":
        return LoadedPolicy(alternating, initial_carry=jnp.int32(0))
    if argument == "nothing":
        return None
    if argument == "wrong":
        return LoadedPolicy(lambda obs, key: obs)
    if not argument.isdecimal():
        raise SettingError("--policy", f"miller:{argument}", "miller:0, miller:1 or miller:alternating")
    assert spec.name == "Mill-v0"
    return LoadedPolicy(always, policy_params=jnp.int32(argument))


@pytest.fixture
def miller(mill_plugins: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A plugin that loads policies named miller."""
    module = ModuleType("millers")
    module.__dict__["load"] = load
    monkeypatch.setitem(sys.modules, "millers", module)
    mill_plugins[0] = dataclasses.replace(mill_plugins[0], policies=(PolicySource("miller", "millers:load"),))
    monkeypatch.setattr("jaxenv.cli.objects.plugins", lambda: tuple(mill_plugins))
    return mill_plugins


@pytest.mark.parametrize("policy", ["miller:1", "miller:alternating"])
def test_a_policy_of_a_plugin_plays_a_rollout(miller, jaxenv_command, policy):
    code, out, err = jaxenv_command("rollout", "Mill-v0", "--num-steps", "20", "--policy", policy, "--json")
    assert code == 0, err
    assert json.loads(out)["policy"] == policy


def test_a_policy_of_ones_own_plays_a_rollout(miller, jaxenv_command, monkeypatch):
    module = ModuleType("own")
    module.__dict__["act"] = lambda obs, key: jnp.int32(1)
    monkeypatch.setitem(sys.modules, "own", module)
    assert jaxenv_command("rollout", "Mill-v0", "--num-steps", "20", "--policy", "own:act")[0] == 0


@pytest.mark.parametrize(
    ("policy", "fragment"),
    [
        ("miller:fast", "--policy is 'miller:fast', but miller:0, miller:1 or miller:alternating was expected"),
        ("miller:nothing", "it gave NoneType None, and no LoadedPolicy"),
        ("miller:wrong", "its result"),
        ("miller", "but 'random', 'miller:...' or 'module:function' was expected"),
    ],
)
def test_a_policy_that_cannot_play_costs_a_sentence(miller, jaxenv_command, policy, fragment):
    code, _, err = jaxenv_command("rollout", "Mill-v0", "--policy", policy)
    assert code == 2
    assert fragment in " ".join(err.split())


def test_two_plugins_that_load_policies_under_one_name_are_named(miller, jaxenv_command):
    miller.append(dataclasses.replace(miller[0], namespace="weirs", specs=(), commands=()))
    code, _, err = jaxenv_command("rollout", "Mill-v0", "--policy", "miller:1")
    assert code == 2
    assert "all load policies as 'miller', so none of them does. Uninstall all but one" in " ".join(err.split())


@pytest.mark.parametrize("args", [("random", "m:f"), ("Upper", "m:f"), ("", "m:f"), ("fine", "module"), ("fine", "m:f", None)])
def test_sources_are_checked(args):
    with pytest.raises(InvalidPolicySourceError, match="Correct it where the source is written"):
        PolicySource(*args)
