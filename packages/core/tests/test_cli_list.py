"""``jaxenv list`` and ``jaxenv show``."""

import dataclasses
import json

import jaxenv
import numpy as np
import pytest
from cli_environments import Mill, MillParams, broken
from jaxenv import EnvSpec, spaces
from jaxenv._docstrings import field_docstrings
from jaxenv.registry import Plugin
from jaxenv.registry.known import known_distributions

pytestmark = pytest.mark.usefixtures("mill_plugins")


class TestList:
    @pytest.fixture(autouse=True)
    def somebody_looks(self, monkeypatch):
        monkeypatch.setattr("jaxenv.cli.list_envs.is_terminal", lambda: True)

    def test_variants_stand_on_one_line(self, jaxenv_command):
        code, out, _ = jaxenv_command("list")
        assert code == 0
        assert "dutch · 17 environments · jaxenv-core 1.2" in out
        assert "dutch/row/0 … row/11" in out
        assert "dutch/row/5" not in out
        assert "17 environments. `jaxenv show ID` describes one." in out

    def test_what_waits_for_a_library_is_a_line_with_the_command(self, jaxenv_command, mill_plugins):
        known = next(known for known in known_distributions() if known.requires)
        assert known.command not in jaxenv_command("list")[1]
        mill_plugins.append(Plugin(known.namespace, "m", known.distribution, "1.0"))
        out = jaxenv_command("list")[1]
        assert f"{known.namespace} · {len(known.names)} environments · not installed: {known.command}" in out
        assert known.ids[0] not in out
        assert known.command not in jaxenv_command("list", "row")[1]

    def test_so_says_its_namespace(self, jaxenv_command):
        known = next(known for known in known_distributions() if known.requires)
        code, _, err = jaxenv_command("list", "-n", known.namespace)
        assert code == 2
        assert f"which is not installed. Run {known.command}." in " ".join(err.split())

    def test_all_shows_every_variant(self, jaxenv_command):
        assert "dutch/row/5 " in jaxenv_command("list", "--all")[1]

    def test_a_search_that_finds_some_variants_shows_each(self, jaxenv_command):
        out = jaxenv_command("list", "ROW/1")[1]
        assert [line.split()[0] for line in out.splitlines() if line.startswith("dutch/")] == [
            "dutch/row/1",
            "dutch/row/10",
            "dutch/row/11",
        ]
        assert "3 environments match." in out
        assert "dutch/row/0 … row/11" in jaxenv_command("list", "one of a row")[1]

    def test_namespace_and_nothing_found(self, jaxenv_command):
        assert "0 environments match." in jaxenv_command("list", "windmill")[1]
        assert "17 environments match." in jaxenv_command("list", "-n", "dutch")[1]

    def test_json_holds_every_spec(self, jaxenv_command):
        data = json.loads(jaxenv_command("list", "--json")[1])
        assert tuple(map(EnvSpec.from_json, data)) == jaxenv.registered_envs()

    def test_what_was_registered_by_hand_and_what_is_refused(self, jaxenv_command, mill_plugins):
        jaxenv.register(Mill)
        mill_plugins.append(broken())
        out = jaxenv_command("list")[1]
        assert "local · 1 environment · registered by hand" in out
        assert "1 plugin refused: run `jaxenv doctor`." in out


class TestListForPrograms:
    """What ``jaxenv list | grep`` reads."""

    def test_an_id_stands_on_each_line_and_nothing_else(self, jaxenv_command):
        code, out, err = jaxenv_command("list")
        assert (code, err) == (0, "")
        assert out.splitlines() == [spec.id for spec in jaxenv.registered_envs()]

    def test_text_and_namespace_filter(self, jaxenv_command):
        assert jaxenv_command("list", "ROW/1", "-n", "dutch")[1].split() == ["dutch/row/1", "dutch/row/10", "dutch/row/11"]
        assert jaxenv_command("list", "windmill") == (0, "", "")

    def test_an_unknown_namespace_gets_a_suggestion(self, jaxenv_command):
        code, out, err = jaxenv_command("list", "-n", "duch")
        assert (code, out) == (2, "")
        assert err == "Error: No environment has the namespace 'duch'. Did you mean dutch?\n"
        assert "There are dutch." in jaxenv_command("list", "-n", "greek")[2]

    def test_nothing_is_installed(self, jaxenv_command, mill_plugins):
        mill_plugins.clear()
        assert jaxenv_command("list")[0] == 0
        assert "No environment is installed at all: run `jaxenv doctor`." in jaxenv_command("list", "-n", "dutch")[2]


class TestShow:
    def test_shows_spaces_settings_limit_and_source(self, jaxenv_command):
        code, out, _ = jaxenv_command("show", "Mill-v0")
        assert code == 0
        lines = [" ".join(line.split()) for line in out.splitlines()]
        for expected in (
            "dutch/Mill-v0",
            "A mill.",
            "observations Box(-inf, 1.0, (3,))",
            "actions Discrete(2)",
            "time limit 10 steps",
            "gradients not promised",
            "reference Cervantes 1605",
            "fidelity run `jaxenv fidelity dutch/Mill-v0`",
            "package jaxenv-core 1.2",
            "height 3 Storeys of the mill.",
            "wind 1 Speed of the wind, m/s, at least 0.",
            "max_steps_in_episode 10 at least 1 Steps after which an episode is truncated.",
            "sails [1. 2.]",
        ):
            assert expected in lines

    def test_params_are_those_of_the_id_not_of_the_class(self, jaxenv_command):
        out = jaxenv_command("show", "Plain-v0")[1]
        assert "time limit    none" in out
        assert "max_steps_in_episode  no limit" in out
        assert "no oracle" in out

    def test_says_where_gradients_are_promised(self, jaxenv_command, monkeypatch):
        monkeypatch.setattr(Mill, "differentiable", True)
        assert "gradients     by state, params and float actions" in jaxenv_command("show", "Mill-v0")[1]

    def test_the_fields_of_a_function_are_its_arguments(self, jaxenv_command):
        data = json.loads(jaxenv_command("show", "Built-v0", "--json")[1])
        assert [(field["name"], field["value"]) for field in data["fields"]] == [("height", 5), ("wide", False)]
        assert [field["description"] for field in data["fields"]] == [
            "Storeys of the mill.",
            "Whether it has one storey more, for a family.",
        ]

    def test_json(self, jaxenv_command):
        data = json.loads(jaxenv_command("show", "dutch/Mill-v0", "--json")[1])
        assert EnvSpec.from_json(data["spec"]) == jaxenv.spec("Mill-v0")
        assert spaces.from_json(data["observation_space"]) == spaces.Box(-np.inf, 1.0, (3,))
        assert data["time_limit"] == 10
        assert data["differentiable"] is False
        assert data["params"][-1] == {"name": "sails", "value": [1.0, 2.0], "description": "", "range": ""}

    def test_docstrings_of_fields_are_read_through_base_classes(self):
        found = field_docstrings(MillParams)
        assert found["wind"] == "Speed of the wind, m/s, at least 0."
        assert found["max_steps_in_episode"] == "Steps after which an episode is truncated."
        assert "sails" not in found
        assert field_docstrings(dataclasses.make_dataclass("Made", ["x"])) == {}
