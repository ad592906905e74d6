"""EnvSpec and Command: what they accept, refuse and keep."""

import json
import pickle

import jaxenv
import pytest
from jaxenv import EnvSpec
from jaxenv.errors import InvalidCommandError, InvalidSpecError
from jaxenv.registry import Command
from ponds import message

pytestmark = pytest.mark.usefixtures("pond_plugins")


class TestSpec:
    def test_json_round_trip_keeps_everything(self):
        kwargs = {"size": 3, "layout": [[1, 2], [3]], "deep": True, "label": "x", "nothing": None}
        spec = EnvSpec(
            "a/b",
            "m:C",
            kwargs,
            {"depth": 0.5},
            "s",
            "r",
            "m:f",
            "g",
            counterparts={"pgx": ("ab", "longer")},
            namespace="n",
            distribution="d",
            version="1.0",
        )
        data = json.loads(json.dumps(spec.to_json()))
        assert (data["id"], data["distribution"], data["version"]) == ("n/a/b", "d", "1.0")
        assert EnvSpec.from_json(data) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert hash(EnvSpec.from_json(data)) == hash(spec)

    def test_installed_specs_round_trip_through_json(self):
        for spec in jaxenv.registered_envs():
            assert EnvSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
            assert spec.version == "1.2"

    def test_mappings_cannot_be_changed(self):
        spec = EnvSpec("a", "m:C", {"size": 3})
        with pytest.raises(TypeError):
            spec.kwargs["size"] = 4  # type: ignore[index]

    def test_lists_become_hashable(self):
        assert EnvSpec("a", "m:C", {"layout": [[1], [2]]}).kwargs["layout"] == ((1,), (2,))

    @pytest.mark.parametrize("name", ["CartPole-v1", "catch/0", "a.b_c-d/e/f", "0"])
    def test_valid_names(self, name):
        assert EnvSpec(name, "m:C").id == name

    @pytest.mark.parametrize("name", ["", "a b", "/a", "a/", "a//b", "-a", "a/.b", "ä", "a\n", None, 3])
    def test_invalid_names(self, name):
        assert f"name is {name!r}, but parts of letters" in message(InvalidSpecError, EnvSpec, name, "m:C")

    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("entry_point", "module", "'module:Class'"),
            ("entry_point", None, "'module:Class'"),
            ("oracle", "module", "'module:function' or None"),
            ("kwargs", [1], "a mapping from names to values"),
            ("kwargs", {"a b": 1}, "a mapping from names to values"),
            ("kwargs", {"a": {}}, "None, booleans, numbers, strings and lists of these"),
            ("params", {"a": object}, "None, booleans, numbers, strings and lists of these"),
            ("counterparts", ["pgx"], "a mapping from libraries to pairs of strings, (name, difference)"),
            ("counterparts", {"pgx": "ab"}, "a mapping from libraries to pairs of strings, (name, difference)"),
            ("counterparts", {"pgx": ("ab", None)}, "a mapping from libraries to pairs of strings, (name, difference)"),
            ("counterparts", {"pgx": ("ab",)}, "a mapping from libraries to pairs of strings, (name, difference)"),
            ("summary", None, "a string"),
            ("reference", 3, "a string"),
            ("group", 3, "a string or None"),
            ("namespace", "A b", "lower-case letters"),
        ],
    )
    def test_a_wrong_field_is_named_with_what_it_should_be(self, field, value, expected):
        text = message(InvalidSpecError, EnvSpec, **({"name": "a", "entry_point": "m:C"} | {field: value}))
        assert f"EnvSpec 'a': {field} is" in text
        assert f"{expected} was expected. Correct it where the spec is written." in text or field == "namespace"

    def test_json_with_unknown_or_missing_keys_is_refused(self):
        assert "JSON is" in message(InvalidSpecError, EnvSpec.from_json, {"name": "a", "entry_point": "m:C", "colour": 1})
        assert "JSON is" in message(InvalidSpecError, EnvSpec.from_json, {"name": "a"})

    @pytest.mark.parametrize("args", [("list", "m:f"), ("Upper", "m:f"), ("", "m:f"), ("fine", "module"), ("fine", "m:f", None)])
    def test_commands_are_checked_too(self, args):
        assert "Correct it where the command is written." in message(InvalidCommandError, Command, *args)
