"""Every lesson in docs/lessons runs as a script, learns what it promises, and draws its figure; at full length in long runs."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
LESSONS = ROOT / "docs" / "lessons"
RUN = """
import json, runpy, sys
found = runpy.run_path(sys.argv[1], run_name="__main__")
print(json.dumps({name: float(found[name]) for name in sys.argv[2:]}))
"""


class Lesson(NamedTuple):
    """What a lesson has to reach: for each name of the script, its least value in the short form and at full length."""

    least: dict[str, tuple[float, float]]
    needs: tuple[str, ...] = ()
    devices: int = 1


EXPECTED = {
    "anakin_space_invaders": Lesson({"mean_return": (6, 60), "gain": (3, 50)}, needs=("optax",), devices=2),
    "bsuite_in_ten_minutes": Lesson({"gain": (0.1, 0.1)}, needs=("optax",)),
    "evolving_pendula": Lesson({"mean_return": (-200, -150), "gain": (50, 100)}, needs=("evosax",)),
    "getting_started": Lesson({"mean_return": (400, 475)}),
    "meta_learning_bandits": Lesson({"mean_return": (70, 85)}, needs=("optax",)),
    "ppo_from_scratch": Lesson({"mean_return": (200, 475)}, needs=("optax",)),
}


def run(name, directory, short):
    """Run a lesson in a process of its own; return the values that it is judged by, and what it printed."""
    lesson = EXPECTED[name]
    for module in ("matplotlib", *lesson.needs):
        if find_spec(module) is None:
            pytest.skip(f"the lesson {name} needs {module}, which is not installed")
    environment = os.environ | {
        "JAXENV_LESSONS": "short" if short else "",
        "JAX_PLATFORMS": "cpu",
        "MPLBACKEND": "agg",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={lesson.devices}",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1" if short else "0",  # a short run is compiled for longer than it runs
    }
    command = [sys.executable, "-W", "error", "-c", RUN, str(LESSONS / f"{name}.py"), *lesson.least]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *printed, values = done.stdout.splitlines()
    return json.loads(values), printed


@pytest.mark.parametrize("short", [True, pytest.param(False, marks=pytest.mark.long)], ids=["short", "long"])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_lesson_learns(name, short, tmp_path):
    values, printed = run(name, tmp_path, short)
    for quantity, least in EXPECTED[name].least.items():
        assert values[quantity] >= least[0 if short else 1], (quantity, printed)
    assert (tmp_path / f"{name}.png").stat().st_size > 5_000
    assert re.fullmatch(r"took [\d.]+ s on .+", printed[-1])


def test_no_lesson_is_left_out():
    assert {path.stem for path in LESSONS.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_lesson_is_a_notebook_in_percent_format(name):
    """Jupytext reads it: cells of text are comments throughout, the first has the title, and each says how long it takes."""
    text = (LESSONS / f"{name}.py").read_text(encoding="utf-8")
    kinds = re.findall(r"^# %%(.*)$", text, re.MULTILINE)
    bodies = re.split(r"^# %%.*\n", text, flags=re.MULTILINE)
    assert bodies[0] == ""
    for kind, body in zip(kinds, bodies[1:], strict=True):
        assert kind in ("", " [markdown]")
        lines = [line for line in body.splitlines() if line]
        assert lines
        assert all(line.startswith("#") for line in lines) == (kind == " [markdown]"), body
    assert re.match(r"# # \S", bodies[1])
    assert re.search(r"takes about \d+ (s|minutes)", bodies[1])
