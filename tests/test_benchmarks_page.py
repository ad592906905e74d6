"""docs/benchmarks.md: what the files beside it say, and nothing else."""

import importlib.util
import re
from pathlib import Path

import pytest
from jaxenv.benchmark import Measurement, Workload
from jaxenv.benchmark.report import BenchmarkReport

DOCS = Path(__file__).parents[1] / "docs"
MACHINE = {
    "date": "2026-11-26",
    "jax": "0.10.2",
    "backend": "cpu",
    "device": "cpu",
    "cpu": "Abacus",
    "cpu_count": 2,
    "load_before": 0.25,
}


@pytest.fixture(scope="module")
def script():
    """``docs/make_benchmarks.py``, imported."""
    spec = importlib.util.spec_from_file_location("make_benchmarks", DOCS / "make_benchmarks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(library, name, nanoseconds, compiling=1.0, num_envs=100, difference="", **settings):
    work = Workload(library, f"some/{name}", num_envs, 10, **settings)
    seconds = nanoseconds * num_envs * 10 / 1e9
    return Measurement(work, "1.0", compiling, (seconds, 3 * seconds, seconds), 8, difference)


@pytest.fixture
def reports():
    """Reports of a comparison, of a sweep over batch sizes, of ours alone, and of several devices."""
    comparison = [
        *(measured("jaxenv", "A", 10, 2.0, prng="jaxenv"), measured("gymnax", "A", 40, 1.0, difference="a smaller A")),
        *(measured("jaxenv", "B", 10, 1.0, prng="jaxenv"), measured("gymnax", "B", 90, 2.0, difference="a smaller A")),
        measured("envpool", "B", 1234.4, None, threads=3),
    ]
    sweep = [measured(library, "A", 10 / n, num_envs=n) for n in (64, 1) for library in ("jaxenv", "gymnax")]
    spread = [measured("jaxenv", "A", 8 / speed, num_envs=100 * n, devices=n) for n, speed in ((1, 1), (2, 1.9), (4, 3.6))]
    runs = {"comparison": comparison, "sweep": sweep, "alone": sweep[::2], "devices": spread}
    return {name: BenchmarkReport(MACHINE, measurements) for name, measurements in runs.items()}


def lines_of(text, start):
    """The cells of the table's rows that begin with ``start``."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| {start}")]


def test_the_page_says_what_the_files_say(script):
    files = script.files()
    assert "cpu-2000-others" in files
    assert (DOCS / "benchmarks.md").read_text() == script.page(files), "Run `python docs/make_benchmarks.py`."
    assert {path.stem for path in (DOCS / "benchmarks").glob("*.png")} == set(files)


def test_a_comparison_has_times_ratios_means_and_differences(script, reports):
    text = "\n".join(script.section("comparison", reports["comparison"]))
    head, rule, *_ = [line for line in text.splitlines() if line.startswith("|")]
    assert head == ("| environment | jaxenv | gymnax | envpool | state, bytes | jaxenv compiles, s | gymnax compiles, s |")
    assert set(rule) == set("|- ")
    assert lines_of(text, "A ") == [["A", "10.00", "40.00 (4.00x)", "", "8", "2.00", "1.00"]]
    assert lines_of(text, "B ") == [["B", "10.00", "90.00 (9.00x)", "1,234 (123.44x)", "8", "1.00", "2.00"]]
    assert lines_of(text, "**geo") == [["**geometric mean**", "", "**6.00x**", "**123.44x**", "", "", "**1.00**"]]
    assert lines_of(text, "worst") == [["worst", "", "4.00x", "123.44x", "", "", "2.00"]]
    assert "- gymnax, A, B: a smaller A." in text
    command = "jaxenv bench A B --against gymnax --against envpool --num-envs 100 --threads 3 --num-steps 10"
    assert f"`{command} --policy random --prng jaxenv --repeats 3`" in text
    assert "with envpool 1.0, gymnax 1.0, jaxenv 1.0, jax 0.10.2, Abacus x 2, a load of 0.2 beforehand, 2026-11-26." in text


def test_a_sweep_has_a_line_for_each_batch_size(script, reports):
    text = "\n".join(script.section("sweep", reports["sweep"]))
    assert [line[0] for line in lines_of(text, "A,")] == ["A, batch of 1", "A, batch of 64"]
    assert "--num-envs 64 --num-envs 1 " in text


def test_several_devices_have_speedup_and_efficiency(script, reports):
    text = "\n".join(script.section("devices", reports["devices"]))
    assert lines_of(text, "A ") == [
        ["A", "100", "1", "125", "1.00x", "100%", "1.00"],
        ["A", "100", "2", "238", "1.90x", "95%", "1.00"],
        ["A", "100", "4", "450", "3.60x", "90%", "1.00"],
    ]
    assert "--num-envs 100 --devices 2 --devices 4 " in text


def test_the_overview_has_a_line_for_each_library(script, reports):
    text = "\n".join(script.overview(reports))
    assert lines_of(text, "[comparison]") == [
        ["[comparison](#comparison)", "Abacus", "100", "gymnax", "2", "**6.00x**", "4.00x", "1.00", "2.00"],
        ["[comparison](#comparison)", "Abacus", "100", "envpool", "1", "**123.44x**", "123.44x", "-", "-"],
    ]
    assert not lines_of(text, "[alone]")


@pytest.mark.parametrize("name", ["comparison", "sweep", "alone", "devices"])
def test_every_kind_of_report_is_drawn(script, reports, tmp_path, name):
    pytest.importorskip("matplotlib")
    script.draw(reports[name], tmp_path / "plot.png", name)
    data = (tmp_path / "plot.png").read_bytes()
    assert re.match(rb"\x89PNG\r\n", data)
    assert len(data) > 3000
