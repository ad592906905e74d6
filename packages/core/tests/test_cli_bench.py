"""``jaxenv bench``: what it measures, prints, writes and compares."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import stub_libraries
from jaxenv.benchmark.libraries import LIBRARIES, PeerTask
from jaxenv.benchmark.network import Network
from jaxenv.benchmark.report import read

pytestmark = pytest.mark.usefixtures("mill_plugins", "unoptimized")
SMALL = "--num-envs", "4", "--num-steps", "3", "--repeats", "2"


@pytest.fixture
def sleepers(monkeypatch):
    """Programs in the place of jaxenv's and gymnax's: 4 ms and 20 ms a run."""
    made = {"jaxenv": stub_libraries.Sleeper(0.004), "gymnax": stub_libraries.Sleeper(0.02, compiles=False)}
    for library, program in made.items():
        theirs = library == "gymnax"
        monkeypatch.setitem(
            LIBRARIES, library, stub_libraries.sleeper(program, module="json" if theirs else "jaxenv", threaded=theirs)
        )
    return made


def doctored(path, factor, **machine):
    """Let a report say that all runs took ``factor`` times as long."""
    report = read(path)
    slower = [m.__class__(**{**vars(m), "seconds": tuple(s * factor for s in m.seconds)}) for m in report.measurements]
    report._replace(machine=report.machine | machine, measurements=slower).write(path)


class TestMeasuring:
    def test_a_real_run_is_printed_and_written(self, jaxenv_command, tmp_path):
        path = tmp_path / "new" / "report.json"
        code, out, _ = jaxenv_command("bench", "Mill-v0", *SMALL, "--json", str(path))
        assert code == 0
        (m,) = read(path).measurements
        assert (m.library, m.env_id, m.workload.num_envs, m.workload.num_steps) == ("jaxenv", "dutch/Mill-v0", 4, 3)
        assert len(m.seconds) == 2
        assert min(*m.seconds, m.compile_seconds) > 0
        assert (m.workload.prng, m.workload.unroll, m.state_bytes) == ("jaxenv", None, 4)
        assert json.loads(path.read_text())["measurements"][0]["unroll"] == "default"
        row = next(line for line in out.splitlines() if line.startswith("dutch/Mill-v0"))
        assert row.split()[1:4] == ["jaxenv", "4", "4"]
        assert "random policy, 3 steps a run, with observations as outputs, jaxenv with jaxenv keys and unroll default" in out

    def test_sizes_policy_outputs_and_unrolling_are_options(self, jaxenv_command, tmp_path):
        path = tmp_path / "report.json"
        options = "--num-envs", "1", "--policy", "mlp", "--no-force", "--unroll", "2", "--prng", "default", "--json", str(path)
        code, out, _ = jaxenv_command("bench", "Mill-v0", *SMALL, *options)
        assert code == 0
        works = [m.workload for m in read(path).measurements]
        assert [work.num_envs for work in works] == [4, 1]
        assert {(w.policy, w.force, w.unroll, w.prng) for w in works} == {("mlp", False, 2, "default")}
        assert "mlp policy, 3 steps a run, without observations as outputs, jaxenv with default keys and unroll 2" in out

    def test_a_peer_is_compared(self, jaxenv_command, sleepers, tmp_path):
        path = tmp_path / "report.json"
        code, out, _ = jaxenv_command("bench", "Mill-v0", *SMALL, "--against", "gymnax", "--json", str(path), "--threads", "3")
        assert code == 0
        ours, theirs = read(path).measurements
        assert theirs.workload == ours.workload._replace(library="gymnax", prng="default", threads=3)
        ratio = theirs.nanoseconds_per_step / ours.nanoseconds_per_step
        assert 2 < ratio < 10
        lines = out.splitlines()
        assert next(line for line in lines if " gymnax " in line).split()[-1] == f"{ratio:.2f}x"
        assert f"4 environments: {ratio:.2f} times as fast as Sleeper" in out
        assert f"(at least {ratio:.2f}); geometric means of 1 task." in out
        assert "Sleeper with 3 threads" in out

    def test_the_threads_of_a_peer_are_the_cpus_by_default(self, jaxenv_command, sleepers, tmp_path):
        path = tmp_path / "report.json"
        jaxenv_command("bench", "Mill-v0", *SMALL, "--against", "gymnax", "--json", str(path))
        assert [m.workload.threads for m in read(path).measurements] == [None, os.cpu_count()]

    def test_a_task_in_many_variants_is_measured_when_it_is_named(self, jaxenv_command, sleepers, tmp_path):
        path = tmp_path / "report.json"
        jaxenv_command("bench", *SMALL, "--json", str(path))
        names = ["Mill-v0", "Bad-v0", "Bare-v0", "Plain-v0", "Built-v0"]
        assert [m.env_id for m in read(path).measurements] == [f"dutch/{name}" for name in names]
        jaxenv_command("bench", *SMALL, "row/3", "--json", str(path))
        assert [m.env_id for m in read(path).measurements] == ["dutch/row/3"]

    def test_jaxenv_in_another_loop_is_not_every_variant(self, jaxenv_command, sleepers, monkeypatch, tmp_path):
        monkeypatch.setitem(LIBRARIES, "jaxenv-loop", LIBRARIES["jaxenv"])
        path = tmp_path / "report.json"
        jaxenv_command("bench", *SMALL, "--against", "jaxenv-loop", "--against", "jaxenv", "--unroll", "2", "--json", str(path))
        works = [m.workload for m in read(path).measurements]
        assert len(works) == 10
        assert works[1] == works[0]._replace(library="jaxenv-loop", unroll=None)

    def test_all_that_a_peer_has_is_measured(self, jaxenv_command, sleepers, monkeypatch, tmp_path):
        monkeypatch.setitem(
            LIBRARIES, "gymnax", LIBRARIES["gymnax"]._replace(find={n: PeerTask(n) for n in ("row/3", "Bad-v0")}.get)
        )
        path = tmp_path / "report.json"
        code, _, err = jaxenv_command("bench", *SMALL, "--against", "gymnax", "--json", str(path))
        assert (code, err) == (0, "")
        measured = [(m.env_id, m.library) for m in read(path).measurements]
        assert measured == [(f"dutch/{name}", library) for name in ("Bad-v0", "row/3") for library in ("jaxenv", "gymnax")]

    def test_a_peer_without_the_task_is_left_out(self, jaxenv_command, sleepers):
        code, out, err = jaxenv_command("bench", "row/3", *SMALL, "--against", "gymnax")
        assert code == 0
        assert "Warning: Sleeper has no task like dutch/row/3." in err
        assert " gymnax " not in out

    def test_another_network_is_left_out_with_a_warning(self, jaxenv_command, sleepers):
        sleepers["gymnax"].network = Network(9, (), (2,))
        code, out, err = jaxenv_command("bench", "Mill-v0", *SMALL, "--against", "gymnax", "--policy", "mlp")
        assert code == 0
        assert "Warning: dutch/Mill-v0 with 4 environments (gymnax) was not measured: its observations and actions make" in err
        assert " gymnax " not in out

    def test_a_failure_is_told_and_the_rest_is_kept(self, jaxenv_command, sleepers, tmp_path):
        path = tmp_path / "report.json"
        sleepers["jaxenv"].fails = "run 1"
        code, out, err = jaxenv_command("bench", "Mill-v0", *SMALL, "--against", "gymnax", "--json", str(path))
        assert code == 1
        assert "Error: dutch/Mill-v0 with 4 environments (jaxenv) was not measured: MemoryError:" in err
        assert [m.library for m in read(path).measurements] == ["gymnax"]
        assert "gymnax" in out

    @pytest.mark.parametrize(
        ("args", "fragment"),
        [
            (("--against", "gym"), "does not know the library 'gym'"),
            (("--devices", "none"), "--devices is 'none', but all, or a number from 1 to "),
            (("--devices", "1000"), "--devices is '1000', but all, or a number from 1 to "),
            (("--devices", "1", "--against", "jaxenv-loop"), "no option --against beside it"),
        ],
    )
    def test_wrong_options_are_one_sentence(self, jaxenv_command, args, fragment):
        code, out, err = jaxenv_command("bench", "Mill-v0", *args)
        assert (code, out) == (2, "")
        assert fragment in err
        assert err.count("\n") == 1


class TestComparing:
    @pytest.fixture
    def baseline(self, jaxenv_command, sleepers, tmp_path):
        """A report of the sleeper on a mill."""
        path = tmp_path / "before.json"
        jaxenv_command("bench", "Mill-v0", *SMALL, "--json", str(path))
        return path

    def test_slower_than_before_fails(self, jaxenv_command, baseline):
        doctored(baseline, 1 / 4)
        code, out, _ = jaxenv_command("bench", "Mill-v0", *SMALL, "--compare", str(baseline))
        assert code == 1
        assert "dutch/Mill-v0 with 4 environments (jaxenv) takes " in out
        assert "tolerance 25%)" in out
        assert "Nothing became slower" not in out

    def test_a_wider_tolerance_lets_it_pass(self, jaxenv_command, baseline):
        doctored(baseline, 1 / 4)
        code, out, _ = jaxenv_command("bench", "Mill-v0", *SMALL, "--compare", str(baseline), "--tolerance", "30")
        assert code == 0
        assert "Nothing became slower: 1 measurement compared, tolerance 3000%." in out

    def test_as_fast_as_before_passes_even_into_the_same_file(self, jaxenv_command, baseline):
        doctored(baseline, 1.5)
        code, _, _ = jaxenv_command("bench", "Mill-v0", *SMALL, "--compare", str(baseline), "--json", str(baseline))
        assert code == 0

    def test_nothing_in_common_is_no_pass(self, jaxenv_command, baseline):
        code, _, err = jaxenv_command("bench", "Mill-v0", *SMALL, "--no-force", "--compare", str(baseline))
        assert code == 2
        assert "it has no measurement of the same environment, sizes and options" in err

    def test_another_machine_s_file_is_refused(self, jaxenv_command, baseline):
        doctored(baseline, 1.0, device="abacus", backend="wood")
        code, _, err = jaxenv_command("bench", "Mill-v0", *SMALL, "--compare", str(baseline))
        assert code == 2
        assert "it was measured on abacus (wood), and this is " in err

    def test_another_file_is_refused_before_anything_is_measured(self, jaxenv_command, baseline, sleepers):
        baseline.write_text("{}")
        sleepers["jaxenv"].events.clear()
        code, _, err = jaxenv_command("bench", "Mill-v0", *SMALL, "--compare", str(baseline))
        assert code == 2
        assert "it is not what bench writes" in err
        assert sleepers["jaxenv"].events == []


def test_several_devices_are_measured_with_as_many_environments_on_each(tmp_path):
    program = """
        import sys
        import jaxenv, cli_environments
        from jaxenv.cli import main
        jaxenv.register(jaxenv.EnvSpec("Mill-v0", "cli_environments:Mill"))
        main(["bench", "local/Mill-v0", "--devices", "2", "--devices", "all", *sys.argv[1:]])
    """
    path = tmp_path / "scaling.json"
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *SMALL, "--json", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "COLUMNS": "160",
        },
    )
    assert process.returncode == 0, process.stderr
    report = read(path)
    assert report.machine["device_count"] == 8
    assert [(m.workload.devices, m.workload.num_envs) for m in report.measurements] == [(1, 4), (2, 8), (8, 32)]
    one, _, eight = report.measurements
    lines = [line.split() for line in process.stdout.splitlines()]
    speed = eight.steps_per_second / one.steps_per_second
    assert any(line[:2] == ["4", "8"] and line[-2:] == [f"{speed:.2f}", f"{speed / 8:.0%}"] for line in lines)


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("", "it is not what bench writes (JSONDecodeError"),
        ("[]", "it is not what bench writes (TypeError"),
        ("{}", "it is not what bench writes (KeyError: 'machine')"),
        ('{"machine": 3, "measurements": []}', "it is not what bench writes (TypeError"),
        ('{"machine": {}, "measurements": 3}', "it is not what bench writes (TypeError"),
        ('{"machine": {}, "measurements": [{}]}', "it is not what bench writes (KeyError"),
        ('{"machine": {}, "measurements": []}', "it was measured on an unknown device (unknown), and this is"),
        (
            '{"machine": {"device": "abacus", "backend": "wood"}, "measurements": []}',
            "it was measured on abacus (wood), and this is",
        ),
    ],
)
def test_a_baseline_that_cannot_be_one_is_reported_before_anything_is_measured(
    content, fragment, jaxenv_command, tmp_path, monkeypatch
):
    monkeypatch.setattr("jaxenv.benchmark.protocol.compare", None)
    path = tmp_path / "before.json"
    path.write_text(content)
    code, out, err = jaxenv_command("bench", "Mill-v0", "--compare", str(path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert fragment in err
