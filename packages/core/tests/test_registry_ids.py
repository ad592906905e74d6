"""Full and short ids, suggestions, and what is registered by hand."""

import jaxenv
import pytest
from jaxenv import EnvSpec
from jaxenv.errors import AmbiguousEnvError, NamespaceTypeError, RegisterTypeError, UnavailableEnvError, UnknownEnvError
from registry_environments import Pond, here, message

pytestmark = pytest.mark.usefixtures("pond_plugins")


class TestIds:
    def test_full_and_short_ids_find_the_same(self):
        assert jaxenv.spec("Pond-v1") is jaxenv.spec("lake/Pond-v1")
        assert jaxenv.spec("tasks/1").id == "minatar/tasks/1"

    def test_listing_goes_by_namespace_and_then_by_the_plugins_order(self):
        ids = [spec.id for spec in jaxenv.registered_envs()]
        assert ids[:2] == ["lake/Pond-v1", "lake/Pond-v0"]
        assert [spec.name for spec in jaxenv.registered_envs("minatar")] == ["Breakout-MinAtar", "Shared-v0", "tasks/0", "tasks/1"]
        assert jaxenv.registered_envs("nowhere") == ()
        for namespace in (3, ["minatar"]):
            with pytest.raises(NamespaceTypeError, match=r"registered_envs takes a namespace, but .* was given. Pass a string"):
                jaxenv.registered_envs(namespace)

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
