"""``make``: what an id stands for, what may be changed of it, and the errors where it cannot be."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv import EnvSpec
from jaxenv.errors import AmbiguousOverrideError, ConstructionError, EntryPointError, OverrideValueError, UnknownOverrideError
from registry_environments import Pond, here, message

pytestmark = pytest.mark.usefixtures("pond_plugins")


class TestMake:
    def test_returns_what_the_id_stands_for(self):
        env, params = jaxenv.make("Pond-v1")
        assert (env, params.depth) == (Pond().replace(depth=4.0), 4.0)
        assert env.default_params.depth == 4.0
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
        assert env == Pond(size=4, ratio=1.0, deep=True).replace(depth=4.0)
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

    def test_a_list_becomes_a_tuple_as_in_a_spec(self):
        assert jaxenv.make("Pond-v1", layout=[1, [2, 3]])[0].layout == (1, (2, 3))

    @pytest.mark.parametrize(
        ("override", "fragment"),
        [
            ({"layout": {1}}, "layout is set {1}, but a hashable value was expected. Pass numbers, strings, booleans or tuples"),
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
    def test_a_value_of_the_wrong_kind_is_refused(self, override, fragment):
        assert fragment in message(OverrideValueError, jaxenv.make, "Pond-v1", **override)

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
