"""Specs, ids, suggestions and make, with plugins that exist only here."""

import dataclasses
import json
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, EnvSpec, Params, State, Transition, spaces
from jaxenv.errors import (
    AmbiguousEnvError,
    AmbiguousOverrideError,
    ConstructionError,
    EntryPointError,
    InvalidCommandError,
    InvalidSpecError,
    JaxenvError,
    OverrideValueError,
    RegisterTypeError,
    UnavailableEnvError,
    UnknownEnvError,
    UnknownOverrideError,
)
from jaxenv.registry import Command, Plugin, lookup


@struct.dataclass
class PondParams(Params):
    depth: Any = 2.0
    """Depth of the water, m."""
    fish: Any = 3
    """How many fish there are."""
    frozen: Any = False
    """Whether there is ice."""
    shores: Any = struct.field(default_factory=lambda: np.asarray([0.0, 1.0], np.float32))
    """Where the water ends on both sides, m."""
    name: Any = None
    """Anything."""


class Pond(Environment[State, PondParams]):
    """A pond in which nothing happens."""

    size: int = 5
    """Tiles from shore to shore."""
    deep: bool = False
    ratio: float = 0.5
    label: str = "pond"
    layout: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1, but {self.size} was given")

    @property
    def default_params(self) -> PondParams:
        return PondParams()

    def init(self, key: Any, params: Any) -> State:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[State]:
        return Transition(state, params.depth, False)

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.float32(0.0)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(0.0, 1.0, ())


@struct.dataclass
class NestedParams:
    env_params: Any
    fog: Any = 0.5
    depth: Any = 9.0


@struct.dataclass
class TwinParams(Params):
    left: Any = struct.field(default_factory=lambda: NestedParams(PondParams()))
    right: Any = struct.field(default_factory=lambda: NestedParams(PondParams()))


class Foggy(Pond):
    """A pond whose params are nested, as a wrapper's are."""

    @property
    def default_params(self) -> Any:
        return NestedParams(PondParams())


class Twins(Pond):
    """An environment with two leaves of each name."""

    @property
    def default_params(self) -> Any:
        return TwinParams()


def build_pond(size: int, *, warm: bool = True) -> Pond:
    """Build a pond, as a function."""
    return Pond(size=size + warm)


def build_nothing() -> None:
    """Build no environment."""


A_NUMBER = 3


def here(name: str) -> str:
    return f"{__name__}:{name}"


def broken(namespace: str) -> Plugin:
    error = jaxenv.errors.PluginError(namespace, "dist", "1.0", "it is broken")
    error.__cause__ = RuntimeError("why")
    return Plugin(namespace, "module", "dist", "1.0", error=error)


def plugin(namespace: str, *specs: EnvSpec) -> Plugin:
    origin = {"namespace": namespace, "distribution": f"jaxenv-{namespace}", "version": "1.2"}
    found = [dataclasses.replace(spec, **origin) for spec in specs]
    return Plugin(namespace, "module", f"jaxenv-{namespace}", "1.2", specs=tuple(found))


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """Plugins that are not there, and an empty namespace ``local``."""
    plugins = (
        plugin(
            "lake",
            EnvSpec("Pond-v1", here("Pond"), params={"depth": 4}, summary="A pond."),
            EnvSpec("Pond-v0", here("Pond"), kwargs={"size": 7}),
            EnvSpec("Foggy-v0", here("Foggy")),
            EnvSpec("Twins-v0", here("Twins")),
            EnvSpec("Built-v0", here("build_pond"), kwargs={"size": 10}),
            EnvSpec("Shared-v0", here("Pond")),
        ),
        plugin(
            "minatar",
            EnvSpec("Breakout-MinAtar", here("Pond")),
            EnvSpec("Shared-v0", here("Pond")),
            EnvSpec("tasks/0", here("Pond")),
            EnvSpec("tasks/1", here("Pond")),
        ),
        broken("ruin"),
        Plugin("asleep", "module", "dist", "1.0", disabled=True),
    )
    monkeypatch.setattr(lookup, "found_plugins", lambda: plugins)
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setattr(lookup, "_local_classes", {})


def message(error: type[JaxenvError], function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    return str(caught.value)


class TestSpec:
    def test_json_round_trip_keeps_everything(self):
        kwargs = {"size": 3, "layout": [[1, 2], [3]], "deep": True, "label": "x", "nothing": None}
        spec = EnvSpec("a/b", "m:C", kwargs, {"depth": 0.5}, "s", "r", "m:f", "g", namespace="n", distribution="d", version="1.0")
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


class TestIds:
    def test_full_and_short_ids_find_the_same(self):
        assert jaxenv.spec("Pond-v1") is jaxenv.spec("lake/Pond-v1")
        assert jaxenv.spec("tasks/1").id == "minatar/tasks/1"

    def test_listing_goes_by_namespace_and_then_by_the_plugins_order(self):
        ids = [spec.id for spec in jaxenv.registered_envs()]
        assert ids[:2] == ["lake/Pond-v1", "lake/Pond-v0"]
        assert [spec.name for spec in jaxenv.registered_envs("minatar")] == ["Breakout-MinAtar", "Shared-v0", "tasks/0", "tasks/1"]
        assert jaxenv.registered_envs("nowhere") == ()

    def test_plugins_lists_refused_and_disabled_ones_too(self):
        assert [(plugin.namespace, plugin.status) for plugin in jaxenv.plugins()] == [
            ("lake", "ok"),
            ("minatar", "ok"),
            ("ruin", "broken"),
            ("asleep", "disabled"),
        ]

    def test_a_short_id_of_two_plugins_lists_the_full_ids(self):
        text = message(AmbiguousEnvError, jaxenv.make, "Shared-v0")
        assert text == "Several environments are named 'Shared-v0'. Write one of the full ids: lake/Shared-v0, minatar/Shared-v0."

    @pytest.mark.parametrize(
        ("asked", "suggested"),
        [
            ("Pond-v7", "lake/Pond-v1, lake/Pond-v0"),
            ("Pond", "lake/Pond-v1, lake/Pond-v0"),
            ("pond-v1", "lake/Pond-v1, lake/Pond-v0"),
            ("river/Pond-v1", "lake/Pond-v1, lake/Pond-v0"),
            ("LAKE/pond-v1", "lake/Pond-v1, lake/Pond-v0"),
            ("minatar/Foggy-v0", "lake/Foggy-v0"),
            ("Fogy-v0", "lake/Foggy-v0"),
            ("lake/Fogy", "lake/Foggy-v0"),
            ("Breakout", "minatar/Breakout-MinAtar"),
            ("minatar/Breakout", "minatar/Breakout-MinAtar"),
            ("tasks", "minatar/tasks/0, minatar/tasks/1"),
        ],
    )
    def test_suggestions(self, asked, suggested):
        assert f"Did you mean {suggested}?" in message(UnknownEnvError, jaxenv.make, asked)

    @pytest.mark.parametrize("asked", ["atari", "atari/Pong-v5", "", "/", "lake/", "x" * 500, 3])
    def test_no_suggestion_where_nothing_is_near(self, asked):
        text = message(UnknownEnvError, jaxenv.make, asked)
        assert "Did you mean" not in text
        assert text.endswith("Run `jaxenv list` to see which there are.")
        assert "pip" not in text
        assert len(text) < 300

    def test_the_same_name_elsewhere_comes_before_a_close_name(self):
        assert "Did you mean lake/Shared-v0, minatar/Shared-v0?" in message(UnknownEnvError, jaxenv.make, "river/Shared-v0")

    def test_ids_of_broken_plugins_raise_their_error_as_the_cause(self):
        with pytest.raises(UnavailableEnvError, match=r"Plugin 'ruin' of dist 1.0 is refused: it is broken. Repair") as caught:
            jaxenv.make("ruin/Pond-v1")
        assert isinstance(caught.value.__cause__, jaxenv.errors.PluginError)
        assert isinstance(caught.value.__cause__.__cause__, RuntimeError)

    def test_ids_of_disabled_plugins_say_how_to_enable_them(self):
        assert "JAXENV_DISABLED_PLUGINS disables the plugin 'asleep'" in message(UnavailableEnvError, jaxenv.make, "asleep/Pond-v1")

    def test_refused_plugins_are_mentioned_where_they_may_matter_only(self):
        assert "refused (ruin)" in message(UnknownEnvError, jaxenv.make, "Temple-v0")
        assert "ruin" not in message(UnknownEnvError, jaxenv.make, "lake/Temple-v0")
        assert "ruin" not in message(UnknownEnvError, jaxenv.make, "Fogy-v0")

    @pytest.mark.parametrize("error", [UnknownEnvError, AmbiguousEnvError, UnavailableEnvError])
    def test_lookup_errors_are_lookup_errors(self, error):
        assert issubclass(error, LookupError)


class TestMake:
    def test_returns_what_the_id_stands_for(self):
        env, params = jaxenv.make("Pond-v1")
        assert (env, params.depth) == (Pond(), 4.0)
        assert isinstance(params.depth, float)
        assert jaxenv.make("Pond-v0")[0].size == 7

    def test_equal_calls_make_equal_environments_that_share_a_compilation(self):
        first, second = jaxenv.make("Pond-v0", deep=True)[0], jaxenv.make("Pond-v0", deep=True)[0]
        assert first == second
        assert hash(first) == hash(second)
        assert first is not second

    def test_takes_a_spec(self):
        assert jaxenv.make(EnvSpec("x", here("Pond"), {"size": 9}))[0].size == 9

    def test_overrides_name_fields_and_leaves(self):
        env, params = jaxenv.make("Pond-v1", size=6, depth=1, max_steps_in_episode=10)
        assert (env.size, params.depth, params.max_steps_in_episode) == (6, 1.0, 10)

    def test_an_override_wins_over_the_spec(self):
        assert jaxenv.make("Pond-v0", size=8)[0].size == 8
        assert jaxenv.make("Pond-v1", depth=8.0)[1].depth == 8.0

    def test_a_nested_leaf_is_found_by_its_name_the_outermost_first(self):
        _, params = jaxenv.make("Foggy-v0", fish=9, depth=1.0)
        assert (params.env_params.fish, params.depth, params.env_params.depth) == (9, 1.0, 2.0)

    def test_two_leaves_at_one_depth_are_ambiguous(self):
        text = message(AmbiguousOverrideError, jaxenv.make, "Twins-v0", fog=1.0)
        assert "several params named 'fog': left.fog and right.fog. Change the one you mean" in text

    def test_arrays_and_tracers_pass_as_they_are(self):
        depths = jnp.linspace(0.0, 1.0, 3)
        assert jaxenv.make("Pond-v1", depth=depths)[1].depth is depths
        rewards = jax.vmap(lambda depth: jaxenv.make("Pond-v1", depth=depth)[1].depth * 2.0)(depths)
        np.testing.assert_allclose(rewards, depths * 2.0)
        assert jaxenv.make("Pond-v1", depth=np.arange(2))[1].depth.dtype == jnp.float32

    def test_a_list_becomes_an_array_like_the_default(self):
        shores = jaxenv.make("Pond-v1", shores=[1, 2])[1].shores
        assert shores.tolist() == [1.0, 2.0]
        assert shores.dtype == jnp.float32

    def test_a_leaf_that_defaults_to_none_takes_anything(self):
        assert jaxenv.make("Pond-v1", name="x")[1].name == "x"

    def test_numpy_numbers_serve_as_fields(self):
        env, _ = jaxenv.make("Pond-v1", size=np.int64(4), ratio=1, deep=np.bool_(True))
        assert env == Pond(size=4, ratio=1.0, deep=True)
        assert (type(env.size), type(env.ratio), type(env.deep)) == (int, float, bool)

    def test_the_entry_point_may_be_a_function_whose_arguments_are_the_fields(self):
        assert jaxenv.make("Built-v0")[0].size == 11
        assert jaxenv.make("Built-v0", size=1, warm=False, depth=3.0)[0].size == 1

    def test_an_unknown_override_lists_both_and_suggests_the_nearest(self):
        text = message(UnknownOverrideError, jaxenv.make, "Pond-v1", dept=1.0)
        assert "lake/Pond-v1 has neither a field nor a param named 'dept'." in text
        assert "Fields: size, deep, ratio, label, layout. " in text
        assert "Params: max_steps_in_episode, depth, fish, frozen, shores, name. Did you mean depth or deep?" in text
        assert message(UnknownOverrideError, jaxenv.make, "Pond-v1", colour=1).endswith("Choose one of these.")
        assert "Fields: size, warm." in message(UnknownOverrideError, jaxenv.make, "Built-v0", label="x")

    @pytest.mark.parametrize(
        ("override", "said"),
        [
            ({"layout": [1]}, "layout is list [1], but a hashable value was expected. Pass numbers, strings, booleans or tuples"),
            ({"size": "big"}, "size is str 'big', but a field of type int was expected"),
            ({"size": True}, "size is bool True, but a field of type int was expected"),
            ({"size": 2.5}, "size is float 2.5, but a field of type int was expected"),
            ({"deep": 1}, "deep is int 1, but a field of type bool was expected"),
            ({"label": 1}, "label is int 1, but a field of type str was expected"),
            ({"depth": "deep"}, "depth is str 'deep', but a param of type float was expected"),
            ({"depth": True}, "depth is bool True, but a param of type float was expected"),
            ({"fish": 2.5}, "fish is float 2.5, but a param of type int was expected"),
            ({"frozen": 1}, "frozen is int 1, but a param of type bool was expected"),
            ({"fish": np.asarray([1.5])}, "but a param of type int was expected"),
            ({"shores": ["a"]}, "but a param of type float was expected"),
            ({"depth": [1.0]}, "depth is tuple (1.0,), but a param of type float was expected"),
        ],
    )
    def test_a_value_of_the_wrong_kind_is_refused(self, override, said):
        assert said in message(OverrideValueError, jaxenv.make, "Pond-v1", **override)

    def test_what_the_environment_refuses_is_said_with_its_reason(self):
        text = message(ConstructionError, jaxenv.make, "Pond-v1", size=-1)
        assert text == "lake/Pond-v1 cannot be built with size=-1: size must be at least 1, but -1 was given. Correct the values."
        missing = EnvSpec("x", here("build_pond"))
        assert "x cannot be built with no fields" in message(ConstructionError, jaxenv.make, missing)

    @pytest.mark.parametrize(
        ("entry_point", "reason"),
        [
            ("nowhere_to_be_found:Pond", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
            ("Puddle", "has no attribute 'Puddle'"),
            ("A_NUMBER", "it is neither a class nor a function"),
            ("build_nothing", "it built NoneType, which is not an Environment"),
        ],
    )
    def test_an_entry_point_that_cannot_be_used(self, entry_point, reason):
        spec = EnvSpec("x", entry_point if ":" in entry_point else here(entry_point))
        assert reason in message(EntryPointError, jaxenv.make, spec)

    def test_an_installed_spec_that_fails_names_its_distribution(self):
        spec = EnvSpec("x", "nowhere:X", namespace="n", distribution="jaxenv-n", version="1.0")
        assert "Repair or reinstall jaxenv-n." in message(EntryPointError, jaxenv.make, spec)


class TestRegister:
    def test_a_class_gets_its_own_name_in_the_namespace_local(self):
        @jaxenv.register
        class Puddle(Pond):
            """A small pond.

            More about it.
            """

        spec = jaxenv.spec("Puddle")
        assert (spec.id, spec.summary, spec.distribution) == ("local/Puddle", "A small pond.", None)
        assert isinstance(jaxenv.make("local/Puddle", size=2)[0], Puddle)
        assert jaxenv.registered_envs("local") == (spec,)

    def test_registering_again_takes_its_place(self):
        for size in (1, 2):
            jaxenv.register(EnvSpec("Puddle", here("Pond"), {"size": size}))
        assert jaxenv.make("Puddle")[0].size == 2
        jaxenv.register(type("Puddle", (Pond,), {"__module__": __name__, "__annotations__": {}}))
        assert jaxenv.make("Puddle")[0].size == 5
        jaxenv.register(EnvSpec("Puddle", here("Pond")))
        assert type(jaxenv.make("Puddle")[0]) is Pond

    def test_a_local_name_makes_a_plugins_short_id_ambiguous(self):
        jaxenv.register(EnvSpec("Pond-v1", here("Pond")))
        assert "lake/Pond-v1, local/Pond-v1" in message(AmbiguousEnvError, jaxenv.make, "Pond-v1")

    @pytest.mark.parametrize("given", [3, int, "CartPole-v1", Pond()])
    def test_anything_else_is_refused(self, given):
        assert "register takes an EnvSpec or a subclass of Environment" in message(RegisterTypeError, jaxenv.register, given)
