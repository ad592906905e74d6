"""The command line, run in this process on environments that exist only here."""

import dataclasses
import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, EnvSpec, Params, State, Transition, spaces
from jaxenv.cli import app as cli_app
from jaxenv.cli import list_envs, main
from jaxenv.cli.docstrings import field_docstrings
from jaxenv.cli.rollout import _pieces, _setting
from jaxenv.errors import PluginError
from jaxenv.registry import Command, Plugin, lookup
from jaxenv.registry.names import BUILTIN_COMMANDS
from jaxenv.testing.certificate import Certificate, Quantity


@struct.dataclass
class MillParams(Params):
    """Settings of the mill."""

    max_steps_in_episode: Any = struct.field(default=10, kw_only=True)
    """Steps after which an episode is truncated."""
    wind: Any = 1.0
    """Speed of the wind,
    m/s, at least 0."""
    sails: Any = struct.field(default_factory=lambda: np.asarray([1.0, 2.0], np.float32))
    undocumented = None


class Mill(Environment[State, MillParams]):
    """A mill that turns with the wind and stops by chance."""

    height: int = 3
    """Storeys of the mill."""

    @property
    def default_params(self) -> MillParams:
        return MillParams()

    def init(self, key: Any, params: Any) -> State:
        return State()

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[State]:
        return Transition(state, params.wind, jax.random.bernoulli(key, 0.2))

    def observe(self, state: Any, params: Any) -> Any:
        return jnp.zeros(self.height)

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(-np.inf, 1.0, (self.height,))


def build_mill(height: int, wide: bool = False) -> Mill:
    """Build a mill."""
    return Mill(height=height + wide)


def certify(spec: EnvSpec, *, transitions: int, seed: int, difference: float = 0.0) -> Certificate:
    quantities = Quantity("reward", transitions, difference, 0.0), Quantity("observation", transitions, 1e-7, 1e-5)
    return Certificate(spec.id, "paper-mill", "2.0", transitions, seed, quantities, ("a note",))


def certify_badly(spec: EnvSpec, *, transitions: int, seed: int) -> Certificate:
    return certify(spec, transitions=transitions, seed=seed, difference=0.5)


def certify_without_extra(spec: EnvSpec, *, transitions: int, seed: int) -> Certificate:
    import paper_mill_that_is_not_there  # type: ignore[import-not-found]

    return paper_mill_that_is_not_there


def greet(name: str = "world") -> None:
    print(f"hello {name}")


def here(name: str) -> str:
    return f"{__name__}:{name}"


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    """One plugin with a few mills, to which a test may add."""
    origin = {"namespace": "dutch", "distribution": "jaxenv-core", "version": "1.2"}
    specs = [
        EnvSpec("Mill-v0", here("Mill"), summary="A mill.", reference="Cervantes 1605", oracle=here("certify")),
        EnvSpec("Bad-v0", here("Mill"), oracle=here("certify_badly")),
        EnvSpec("Bare-v0", here("Mill"), oracle=here("certify_without_extra")),
        EnvSpec("Plain-v0", here("Mill"), params={"max_steps_in_episode": jaxenv.environment.NO_TIME_LIMIT}),
        EnvSpec("Built-v0", here("build_mill"), {"height": 5}),
        *(EnvSpec(f"row/{i}", here("Mill"), summary="One of a row.", group="row") for i in range(12)),
    ]
    commands = (Command("greet", here("greet"), help="Say hello."), Command("lost", "nowhere:main", help="Fail."))
    found = [
        Plugin("dutch", "m", "jaxenv-core", "1.2", specs=tuple(dataclasses.replace(s, **origin) for s in specs), commands=commands)
    ]
    for module in (lookup, list_envs, cli_app):
        name = "found_plugins" if module is lookup else "plugins"
        monkeypatch.setattr(module, name, lambda: tuple(found))
    monkeypatch.setattr("jaxenv.cli.doctor.found_plugins", lambda *, quiet: tuple(found))
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setenv("COLUMNS", "160")
    return found


@pytest.fixture
def jaxenv_command(capsys):
    """Return a function that runs the command line and returns exit code, output and error output."""

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(args)
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return run


def broken() -> Plugin:
    return Plugin("ruin", "m", "dist", "1.0", error=PluginError("ruin", "dist", "1.0", "it fell down"))


class TestMain:
    def test_the_reserved_names_are_the_commands(self):
        names = {command.name for command in cli_app.app.registered_commands}
        assert names == set(BUILTIN_COMMANDS)

    def test_help_shows_the_plugins_commands_without_importing_them(self, jaxenv_command):
        code, out, _ = jaxenv_command("--help")
        assert code == 0
        assert all(text in out for text in (*BUILTIN_COMMANDS, "Say hello.", "Fail."))

    def test_version(self, jaxenv_command):
        assert jaxenv_command("--version") == (0, f"jaxenv-core {jaxenv.__version__}\n", "")

    @pytest.mark.parametrize("command", BUILTIN_COMMANDS)
    def test_every_command_has_help(self, jaxenv_command, command):
        assert jaxenv_command(command, "--help")[0] == 0

    def test_an_unknown_command_gets_a_suggestion(self, jaxenv_command):
        code, _, err = jaxenv_command("lst")
        assert code == 2
        assert "Did you mean 'list'?" in err

    def test_an_error_is_one_sentence_on_the_error_stream(self, jaxenv_command):
        code, out, err = jaxenv_command("show", "Mil-v0", "--json")
        assert (code, out) == (2, "")
        assert err == (
            "Error: No environment has the id 'Mil-v0'. Did you mean dutch/Mill-v0? Run `jaxenv list` to see which there are.\n"
        )

    def test_a_plugins_command_runs(self, jaxenv_command):
        assert jaxenv_command("greet", "--name", "[bold]") == (0, "hello [bold]\n", "")
        assert "--name" in jaxenv_command("greet", "--help")[1]

    def test_a_plugins_broken_command_is_one_sentence(self, jaxenv_command):
        code, _, err = jaxenv_command("lost")
        assert code == 2
        assert err == (
            "Error: The command 'lost' of plugin 'dutch' names 'nowhere:main', which cannot be used: ModuleNotFoundError: "
            "No module named 'nowhere'. Repair or reinstall the plugin.\n"
        )

    def test_two_plugins_with_one_command_are_named(self, jaxenv_command, plugins):
        plugins.append(dataclasses.replace(plugins[0], namespace="flemish", specs=()))
        code, _, err = jaxenv_command("greet")
        assert code == 2
        assert "The plugins dutch and flemish all offer a command 'greet', so none of them runs." in err
        assert jaxenv_command("list")[0] == 0


class TestList:
    def test_variants_stand_on_one_line(self, jaxenv_command):
        code, out, _ = jaxenv_command("list")
        assert code == 0
        assert "dutch · 17 environments · jaxenv-core 1.2" in out
        assert "dutch/row/0 … row/11" in out
        assert "dutch/row/5" not in out
        assert "17 environments. `jaxenv show ID` tells more about one." in out

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
        assert "0 environments match." in jaxenv_command("list", "--namespace", "greek")[1]
        assert "17 environments match." in jaxenv_command("list", "-n", "dutch")[1]

    def test_json_holds_every_spec(self, jaxenv_command):
        data = json.loads(jaxenv_command("list", "--json")[1])
        assert tuple(map(EnvSpec.from_json, data)) == jaxenv.registered_envs()

    def test_what_was_registered_by_hand_and_what_is_refused(self, jaxenv_command, plugins):
        jaxenv.register(Mill)
        plugins.append(broken())
        out = jaxenv_command("list")[1]
        assert "local · 1 environment · registered by hand" in out
        assert "1 plugin refused: run `jaxenv doctor`." in out


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
            "max_steps_in_episode 10 Steps after which an episode is truncated.",
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

    def test_json(self, jaxenv_command):
        data = json.loads(jaxenv_command("show", "dutch/Mill-v0", "--json")[1])
        assert EnvSpec.from_json(data["spec"]) == jaxenv.spec("Mill-v0")
        assert spaces.from_json(data["observation_space"]) == spaces.Box(-np.inf, 1.0, (3,))
        assert data["time_limit"] == 10
        assert data["differentiable"] is False
        assert data["params"][-1] == {"name": "sails", "value": [1.0, 2.0], "description": ""}

    def test_docstrings_of_fields_are_read_through_base_classes(self):
        found = field_docstrings(MillParams)
        assert found["wind"] == "Speed of the wind, m/s, at least 0."
        assert found["max_steps_in_episode"] == "Steps after which an episode is truncated."
        assert "sails" not in found
        assert field_docstrings(dataclasses.make_dataclass("Made", ["x"])) == {}


class TestDoctor:
    def test_all_is_well(self, jaxenv_command):
        code, out, _ = jaxenv_command("doctor")
        assert code == 0
        assert f"jax {jax.__version__}" in out
        assert f"{jax.devices()[0]}" in out
        assert "greet, lost" in out
        assert "All is well." in out

    def test_a_refused_plugin_fails(self, jaxenv_command, plugins):
        plugins.append(broken())
        code, out, _ = jaxenv_command("doctor")
        assert code == 1
        assert "Plugin 'ruin' of dist 1.0 is refused: it fell down." in out
        code, out, _ = jaxenv_command("doctor", "--json")
        data = json.loads(out)
        assert (code, data["healthy"]) == (1, False)
        assert [plugin["status"] for plugin in data["plugins"]] == ["ok", "broken"]
        assert data["versions"]["jax"] == jax.__version__

    def test_no_device_fails(self, jaxenv_command, monkeypatch):
        def devices() -> None:
            raise RuntimeError("no backend\nat all")

        monkeypatch.setattr(jax, "devices", devices)
        code, out, _ = jaxenv_command("doctor")
        assert code == 1
        assert "no backend at all" in out

    def test_without_plugins_it_says_what_to_do(self, jaxenv_command, plugins):
        plugins.clear()
        code, out, _ = jaxenv_command("doctor")
        assert code == 0
        assert "No plugin is installed" in out


class TestFidelity:
    def test_prints_the_certificate(self, jaxenv_command):
        code, out, _ = jaxenv_command("fidelity", "Mill-v0", "--transitions", "1500", "--seed", "7")
        assert code == 0
        assert "dutch/Mill-v0 against paper-mill 2.0" in out
        assert "1,500 transitions, 7 episodes ended" in out
        assert ["observation", "1,500", "1e-07", "1e-05", "equal"] in [line.split() for line in out.splitlines()]
        assert "- a note" in out
        assert "PASSED" in out

    def test_a_difference_fails(self, jaxenv_command):
        code, out, _ = jaxenv_command("fidelity", "Bad-v0")
        assert code == 1
        assert ["reward", "20,000", "0.5", "exact", "DIFFERS"] in [line.split() for line in out.splitlines()]
        assert "FAILED" in out
        code, out, _ = jaxenv_command("fidelity", "Bad-v0", "--json")
        assert (code, json.loads(out)["passed"]) == (1, False)

    def test_an_environment_without_an_oracle(self, jaxenv_command):
        code, _, err = jaxenv_command("fidelity", "Plain-v0")
        assert code == 2
        assert "dutch/Plain-v0 names no oracle, so there is no reference to compare it with." in err

    def test_a_missing_reference_says_what_to_install(self, jaxenv_command, monkeypatch):
        code, _, err = jaxenv_command("fidelity", "Bare-v0")
        assert code == 2
        assert "No module named 'paper_mill_that_is_not_there'. Repair jaxenv-core, or install what its oracle imports." in err

        class Metadata:
            @staticmethod
            def get_all(name: str) -> list[str]:
                return ["oracle"]

        monkeypatch.setattr("jaxenv.cli.fidelity.metadata.metadata", lambda name: Metadata)
        assert (
            "Install the reference implementation: pip install 'jaxenv-core[oracle]'." in jaxenv_command("fidelity", "Bare-v0")[2]
        )
        jaxenv.register(EnvSpec("Lone", here("Mill"), oracle="nowhere:certify"))
        assert "Install what the oracle imports." in jaxenv_command("fidelity", "Lone")[2]

    def test_transitions_must_be_positive(self, jaxenv_command):
        assert jaxenv_command("fidelity", "Mill-v0", "--transitions", "0")[0] == 2


class TestRollout:
    ARGS = "rollout", "Mill-v0", "--num-envs", "16", "--num-steps", "250", "--seed", "3"

    def test_gives_exactly_what_the_function_gives(self, jaxenv_command):
        code, out, _ = jaxenv_command(*self.ARGS, "--json", "--set", "wind=2", "--set", "height=4", "--unroll", "2")
        assert code == 0
        report = json.loads(out)
        env, params = jaxenv.make("Mill-v0", wind=2.0, height=4)
        key = jaxenv.random.key(3)
        expected = jaxenv.rollout(env, params, None, key, num_envs=16, num_steps=250).statistics
        assert report["episodes"] == int(expected.episodes) > 100
        for name in ("return_mean", "return_sem", "return_std", "return_min", "return_max", "length_mean"):
            assert report[name] == pytest.approx(float(getattr(expected, name)), rel=1e-6)
        assert report["overrides"] == {"wind": 2, "height": 4}
        assert min(report[name] for name in ("compile_seconds", "run_seconds", "steps_per_second")) > 0

    def test_prints_the_table(self, jaxenv_command):
        code, out, _ = jaxenv_command(*self.ARGS, "--prng", "jaxenv")
        assert code == 0
        assert "dutch/Mill-v0 · random actions · seed 3 · jaxenv keys" in out
        lines = {line.split("  ")[0]: line for line in out.splitlines()}
        assert "(standard error)" in lines["mean return"]
        assert "16 environments x 250 steps" in lines["steps"]
        assert "steps a second" in lines["speed"]
        assert "not counted above" in lines["compilation"]

    def test_no_episode_ended(self, jaxenv_command):
        args = "rollout", "Plain-v0", "--num-envs", "1", "--num-steps", "1", "--seed", "1", "--prng", "threefry2x32"
        code, out, _ = jaxenv_command(*args)
        assert code == 0
        assert "none ended: play more steps with --num-steps" in out
        report = json.loads(jaxenv_command(*args, "--json")[1])
        assert (report["episodes"], report["return_mean"], report["return_min"]) == (0, None, None)

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (("--set", "wind"), "--set is 'wind', but NAME=VALUE was expected."),
            (("--set", "wnd=1"), "Did you mean wind?"),
            (("--set", "wind=strong"), "wind is str 'strong', but a param of type float was expected."),
            (("--devices", "0"), "--devices is '0', but all, or a number from 1 to "),
            (("--devices", "few"), "--devices is 'few', but all, or a number from 1 to "),
            (("--prng", "dice"), "--prng is 'dice', but one of jaxenv, threefry2x32, rbg, unsafe_rbg was expected."),
        ],
    )
    def test_wrong_options_are_one_sentence(self, jaxenv_command, args, said):
        code, out, err = jaxenv_command("rollout", "Mill-v0", *args)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize("option", ["--num-envs", "--num-steps", "--unroll"])
    def test_sizes_must_be_positive(self, jaxenv_command, option):
        assert jaxenv_command("rollout", "Mill-v0", option, "0")[0] == 2

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a=1", 1),
            ("a=1.5", 1.5),
            ("a=true", True),
            ("a=False", False),
            ("a=None", None),
            ("a=x=y", "x=y"),
            ('a="1"', "1"),
            ("a=[1, [2]]", (1, (2,))),
            ("a=", ""),
        ],
    )
    def test_settings_are_read(self, text, value):
        assert _setting(text) == ("a", value)

    @pytest.mark.parametrize("num_steps", [1, 7, 99, 100, 250, 997, 1000, 2000, 2001, 12345, 10**6])
    @pytest.mark.parametrize("unroll", [1, 4, 7])
    def test_pieces_are_few_and_complete(self, num_steps, unroll):
        pieces = _pieces(num_steps, unroll)
        assert sum(pieces) == num_steps
        assert len(pieces) <= 21
        assert len(set(pieces)) <= 2
        assert all(piece % unroll == 0 for piece in pieces[:-1])
        if unroll == 1 and num_steps % 1000 == 0:
            assert len(set(pieces)) == 1


def test_numbers_that_are_not_finite_become_null(capsys):
    from jaxenv.cli.output import print_json

    print_json({"a": [math.nan, math.inf, 1.0], "b": {"c": (-math.inf,)}})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.0], "b": {"c": [None]}}
