"""What measurements say together: ratios, means, scaling and regressions, from a file or fresh."""

import dataclasses
import json

import pytest
from jaxenv.benchmark.measurement import Measurement
from jaxenv.benchmark.report import (
    BenchmarkReport,
    circumstances,
    compile_share,
    differences,
    read,
    regressions,
    rows,
    scaling,
    settings,
    speedup,
    summary,
)
from jaxenv.benchmark.workload import Workload
from jaxenv.errors import BenchmarkBaselineError

WORK = Workload("jaxenv", "classic/CartPole-v1", 100, 10)


def measured(seconds=(1.0,), compiling=2.0, **settings):
    return Measurement(WORK._replace(**settings), "1.2.3", compiling, tuple(seconds), 20)


def test_the_median_of_the_runs_is_what_counts():
    m = measured((3.0, 1.0, 100.0))
    assert m.nanoseconds_per_step == 3e6
    assert m.steps_per_second == pytest.approx(1000 / 3)


@pytest.mark.parametrize("unroll", [None, 2])
def test_a_file_gives_back_what_was_written(tmp_path, unroll):
    there = measured(compiling=None, library="envpool", threads=2, unroll=unroll)
    report = BenchmarkReport({"device": "cpu"}, [measured((1.0, 2.0), devices=4), there])
    report.write(tmp_path / "report.json")
    assert read(tmp_path / "report.json") == report
    data = json.loads((tmp_path / "report.json").read_text())["measurements"][1]
    assert data["unroll"] == (unroll or "default")
    assert (data["version"], data["seconds"], data["threads"], data["compile_seconds"]) == ("1.2.3", [1.0], 2, None)
    assert (data["nanoseconds_per_step"], data["steps_per_second"]) == (1e6, 1000)


def test_fields_that_came_later_may_be_missing(tmp_path):
    old = measured(unroll=1).to_json()
    for later in ("devices", "threads", "difference"):
        del old[later]
    (tmp_path / "old.json").write_text(json.dumps({"machine": {}, "measurements": [old]}))
    assert read(tmp_path / "old.json").measurements == [measured(unroll=1)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": {}, "measurements": [{"seconds": [1]}]}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(BenchmarkBaselineError, match=r"other.json cannot be compared with: it is not what bench writes .* --json"):
        read(path)


def test_rows_hold_the_same_work_of_every_library():
    same = [measured(), measured(library="gymnax", prng="default"), measured(library="envpool", threads=2)]
    others = [measured(num_envs=1), measured(policy="mlp"), measured(force=False), measured(devices=2), measured(num_steps=1)]
    assert rows([*same, *others]) == [{m.library: m for m in same}, *({"jaxenv": m} for m in others)]


def test_ratios_above_one_are_in_our_favour_and_shares_of_compile_time_below():
    assert speedup(measured((1.0,)), measured((3.0,))) == 3
    assert compile_share(measured(compiling=1.0), measured(compiling=4.0)) == 0.25
    assert compile_share(measured(), measured(compiling=None)) is None


def test_a_summary_has_geometric_means_and_the_worst():
    fast = {"jaxenv": measured((1.0,), 1.0), "gymnax": measured((8.0,), 4.0), "envpool": measured((1.0,), None)}
    slow = {"jaxenv": measured((1.0,), 1.0), "gymnax": measured((2.0,), 1.0), "envpool": measured((0.25,), None)}
    alone = {"jaxenv": measured()}, {"gymnax": measured()}
    assert summary([fast, slow, *alone], "gymnax") == (2, pytest.approx(4.0), 2.0, pytest.approx(0.5), 1.0)
    assert summary([fast, slow], "envpool") == (2, pytest.approx(0.5), 0.25, None, None)
    assert summary(alone, "gymnax") is None


def test_scaling_relates_throughput_to_one_device_s_with_as_many_environments_on_it():
    one, two, four = measured((1.0,)), measured((1.0,), num_envs=200, devices=2), measured((2.0,), num_envs=400, devices=4)
    unrelated = [measured(num_envs=7), measured(num_envs=800, num_steps=11, devices=4)]
    found = scaling([one, two, four, *unrelated])
    assert [(s.measurement, s.speedup, s.efficiency, s.num_envs_per_device) for s in found] == [
        (one, 1.0, 1.0, 100),
        (two, 2.0, 1.0, 100),
        (four, 2.0, 0.5, 100),
    ]
    assert scaling([one, *unrelated]) == []


def test_settings_and_circumstances_are_told_in_words():
    machine = {"jax": "0.10.2", "device": "cpu", "cpu": "Abacus", "cpu_count": 2, "date": "2026-11-26", "load_before": 0.25}
    report = BenchmarkReport(machine, [measured(library="envpool", threads=1), measured((1.0, 2.0), prng="jaxenv", unroll=4)])
    assert settings(report) == (
        "random policy, 10 steps a run, with observations as outputs, jaxenv with jaxenv keys and unroll 4, "
        "envpool with 1 thread, median of 2"
    )
    assert circumstances(report) == "envpool 1.2.3, jaxenv 1.2.3, jax 0.10.2, Abacus x 2, a load of 0.2 beforehand, 2026-11-26"
    report = BenchmarkReport(machine | {"device": "GPU", "cpu": "", "load_before": None}, [measured(force=False)])
    assert settings(report).startswith("random policy, 10 steps a run, without observations as outputs, jaxenv with default keys")
    assert settings(report).endswith("unroll default, median of 1")
    assert circumstances(report) == "jaxenv 1.2.3, jax 0.10.2, GPU (CPU x 2), 2026-11-26"


def test_differences_gather_their_tasks():
    same = [measured(library="pgx", env_id=f"some/{name}") for name in ("A", "B")]
    some = [dataclasses.replace(m, difference="no oxygen") for m in (*same, same[0])]
    assert differences(BenchmarkReport({}, [measured(), *some])) == [("pgx", "no oxygen", ["A", "B"])]


class TestRegressions:
    def test_slower_beyond_the_tolerance_is_reported(self):
        verdict = regressions([measured((1.3,))], [measured((1.0,))], 0.25)
        assert verdict.compared == 1
        assert verdict.slower == [
            "classic/CartPole-v1 with 100 environments (jaxenv) takes 1300000.0 ns a step; "
            "it took 1000000.0 ns (+30%, tolerance 25%)."
        ]

    def test_within_the_tolerance_or_faster_is_fine(self):
        assert regressions([measured((1.2,)), measured((0.1,), num_envs=1)], [measured(), measured(num_envs=1)], 0.25) == (2, [])

    def test_only_equal_workloads_of_ours_are_compared(self):
        slow = (9.0,)
        others = [
            measured(slow, library="gymnax"),
            measured(slow, unroll=2),
            measured(slow, devices=2),
            measured(slow, force=False),
        ]
        assert regressions(others, [measured(), measured(library="gymnax")], 0.25) == (0, [])
