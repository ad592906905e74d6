"""How measurements are taken: in turn, compile time apart, and none lost because another failed."""

import jax
import pytest
import rivals
from jaxenv import EnvSpec
from jaxenv.benchmark import Workload, compare
from jaxenv.benchmark.contenders import CONTENDERS, Counterpart, base, contender
from jaxenv.benchmark.contenders.gymnasium import NEXT_STEP
from jaxenv.benchmark.measurement import machine
from jaxenv.benchmark.network import Network
from jaxenv.errors import BenchmarkPeerError, UnknownContenderError

OURS = Workload("jaxenv", "local/Ladder", 10, 4)
THEIRS = OURS._replace(library="rival")


@pytest.fixture
def programs(monkeypatch):
    """Our program and a rival's, whose order of events can be read; time passes in whole seconds, one for each event."""
    events = []
    clock = iter(range(10_000))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    made = {}
    for library in ("jaxenv", "rival"):
        made[library] = rivals.Sleeper(0.0)
        made[library].events = _Log(library, events)
        monkeypatch.setitem(CONTENDERS, library, rivals.sleeper(made[library], "a longer ladder" if library == "rival" else ""))
    made["events"] = events
    return made


class _Log:
    def __init__(self, library, events):
        self.library, self.events = library, events

    def append(self, event):
        self.events.append(f"{self.library}: {event}")


def test_libraries_compile_and_run_in_turn(programs):
    told = []
    result = compare([OURS, THEIRS], repeats=2, compiles=2, progress=told.append)
    assert programs["events"] == [
        *["jaxenv: compile", "rival: compile"] * 2,
        *["jaxenv: run 0", "rival: run 0"],
        *["jaxenv: run 1", "rival: run 1"],
        *["jaxenv: run 2", "rival: run 2"],
    ]
    assert told[0] == "compiling local/Ladder with 10 environments (jaxenv)"
    assert told[-1] == "run 2 of 2: local/Ladder with 10 environments (rival)"
    assert result.failures == []
    ours, theirs = result.measurements
    assert (ours.workload, theirs.workload) == (OURS, THEIRS)
    assert (ours.seconds, ours.compile_seconds, ours.state_bytes, ours.difference) == ((1, 1), 1, 8, "")
    assert theirs.difference == "a longer ladder"
    assert ours.version == theirs.version == contender("jaxenv").version
    assert ours.nanoseconds_per_step == 1e9 / 40


def test_what_does_not_compile_has_no_compile_time(programs):
    programs["rival"].compiles = False
    assert [m.compile_seconds for m in compare([OURS, THEIRS], repeats=1).measurements] == [1, None]


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("compile", "local/Ladder with 10 environments (rival) was not measured: JaxenvError: It does not compile."),
        ("run 0", "local/Ladder with 10 environments (rival) was not measured: MemoryError:"),
        ("run 2", "local/Ladder with 10 environments (rival) was not measured: MemoryError:"),
    ],
)
def test_a_failure_costs_the_others_nothing(programs, fails, said):
    programs["rival"].fails = fails
    result = compare([THEIRS, OURS], repeats=3)
    assert (result.failures, result.refused) == ([said], [])
    assert [m.library for m in result.measurements] == ["jaxenv"]
    assert len(result.measurements[0].seconds) == 3
    after = programs["events"].index(f"rival: {fails}") + 1
    assert not any(event.startswith("rival") for event in programs["events"][after:])


def test_another_network_is_not_the_same_work(programs):
    programs["rival"].network = Network(4, (), (2,))
    assert len(compare([OURS, THEIRS], repeats=1).measurements) == 2
    result = compare([OURS._replace(policy="mlp"), THEIRS._replace(policy="mlp")], repeats=1)
    assert [m.library for m in result.measurements] == ["jaxenv"]
    assert "(rival) was not measured: its observations and actions make another network (Network(inputs=4" in result.refused[0]
    assert result.failures == []
    programs["rival"].network = programs["jaxenv"].network
    assert len(compare([OURS._replace(policy="mlp"), THEIRS._replace(policy="mlp")], repeats=1).measurements) == 2


def test_programs_are_compiled_without_a_cache_and_the_setting_comes_back(programs, monkeypatch):
    seen = []
    monkeypatch.setattr(programs["jaxenv"], "compile", lambda: seen.append(jax.config.jax_enable_compilation_cache))
    compare([OURS], repeats=1)
    assert seen == [False]
    assert jax.config.jax_enable_compilation_cache


def test_a_title_names_the_devices_if_there_are_several():
    assert OURS._replace(num_envs=1).title == "local/Ladder with 1 environment (jaxenv)"
    assert OURS._replace(num_envs=2048, devices=4).title == "local/Ladder with 2,048 environments on 4 devices (jaxenv)"


def test_the_machine_is_described(monkeypatch):
    monkeypatch.setattr("os.getloadavg", lambda: (1.5, 9.0, 9.0), raising=False)
    said = machine()
    assert said["load_before"] == 1.5
    assert said["backend"] == jax.default_backend()
    assert said["device_count"] == jax.device_count()
    assert isinstance(said["cpu"], str)


class TestContenders:
    def test_an_unknown_library(self):
        expected = r"does not know the library 'gym'. Choose jaxenv, jaxenv-loop, gymnax, gymnasium, envpool or pgx\."
        with pytest.raises(UnknownContenderError, match=expected):
            contender("gym")

    def test_a_library_that_is_not_installed(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pgx", None)
        with pytest.raises(
            BenchmarkPeerError, match=r"cannot run pgx, which needs pgx>=2\.5: .*Install .* pip install 'pgx>=2\.5'"
        ):
            contender("pgx")

    def test_what_a_library_imports_but_does_not_require_is_named_too(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "gymnax", None)
        with pytest.raises(BenchmarkPeerError, match=r"needs gymnax>=1\.0 and six: .* pip install 'gymnax>=1\.0' 'six'"):
            contender("gymnax")

    def test_a_library_that_breaks_when_it_is_imported(self, monkeypatch):
        def broken(name):
            raise AttributeError("numpy has no attribute 'float_'")

        monkeypatch.setattr("importlib.import_module", broken)
        with pytest.raises(BenchmarkPeerError, match=r"needs envpool>=1\.0: AttributeError: numpy has no attribute 'float_'\."):
            contender("envpool")

    @pytest.mark.parametrize(("version", "enough"), [("2.4.2", False), ("2.5.0", True), ("2.10", True), ("3.0.0rc1", True)])
    def test_a_library_that_is_too_old(self, monkeypatch, version, enough):
        rivals.install(monkeypatch, {"pgx": version})
        if enough:
            assert contender("pgx").version == version
        else:
            with pytest.raises(BenchmarkPeerError, match=r"needs pgx>=2\.5: pgx 2\.4\.2 is installed\."):
                contender("pgx")

    def test_specs_declare_counterparts_with_names_and_differences(self, monkeypatch):
        rivals.install(monkeypatch)
        theirs = {"pgx": ("ladder", ""), "envpool": ("Ladder-v0", "longer"), "gymnax": ("Ladder", "shorter")}
        theirs["gymnasium"] = ("Gone", "")
        found = (EnvSpec("Stairs-v0", "m:C", namespace="house", counterparts=theirs), EnvSpec("Mill-v0", "m:C", namespace="house"))
        monkeypatch.setattr(base, "registered_envs", lambda: found)
        assert contender("pgx").find("Stairs-v0") == Counterpart("ladder")
        assert contender("envpool").find("Stairs-v0") == Counterpart("Ladder-v0", f"{NEXT_STEP}; longer")
        assert contender("gymnax").find("Stairs-v0") == Counterpart("Ladder", "shorter")
        assert CONTENDERS["gymnasium"].find("Stairs-v0") is None  # the library that is installed has no such name
        assert contender("gymnax").find("Ladder") == Counterpart("Ladder")  # of the same name
        assert [contender(peer).find("Mill-v0") for peer in ("pgx", "envpool", "gymnax")] == [None] * 3
        assert contender("jaxenv").find("Mill-v0") == Counterpart("Mill-v0")
