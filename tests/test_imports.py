"""What importing costs, and what it must not do."""

import importlib
import json
import subprocess
import sys

import pytest

IMPORT = """
import json, sys, time
import jax, flax.struct
started = time.process_time()
import jaxenv
bare = time.process_time() - started
leaked = [name for name in sys.modules if name.startswith("jaxenv.")]
for name in jaxenv.__all__:
    getattr(jaxenv, name)
everything = time.process_time() - started
from jax._src import xla_bridge
print(json.dumps({"bare": bare, "everything": everything, "leaked": leaked,
    "plugins": [name for name in sys.modules if name.startswith("jaxenv_")], "backends": list(xla_bridge._backends)}))
"""


def python(*args):
    result = subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def imported():
    """Facts about a process that imported jaxenv and then touched every public name."""
    runs = [json.loads(python("-c", IMPORT).stdout) for _ in range(3)]
    return min(runs, key=lambda run: run["everything"])


def test_importing_the_whole_interface_costs_less_than_a_quarter_of_a_second(imported):
    assert imported["everything"] < 0.25


def test_importing_the_package_costs_next_to_nothing_and_loads_none_of_it(imported):
    assert imported["bare"] < 0.025
    assert imported["leaked"] == []


def test_no_plugin_and_no_environment_is_imported(imported):
    assert imported["plugins"] == []


def test_no_backend_is_initialised(imported):
    assert imported["backends"] == []


def test_importtime_agrees():
    lines = python("-X", "importtime", "-c", "import jax, flax, jaxenv").stderr.splitlines()
    times = {
        line.rpartition("|")[2].strip(): int(line.split("|")[1]) for line in lines if line.count("|") == 2 and "[us]" not in line
    }
    assert times["jaxenv"] < 250_000
    assert not [name for name in times if name.startswith("jaxenv_")]


@pytest.mark.parametrize("module", ["jaxenv", "jaxenv.hookspecs", "jaxenv.registry", "jaxenv.cli.app"])
def test_what_describes_and_lists_environments_imports_no_jax(module):
    code = f"import sys, {module}; print([name for name in ('jax', 'flax', 'numpy') if name in sys.modules])"
    assert python("-c", code).stdout.strip() == "[]"


FAMILIES = ["jaxenv_baselines", "jaxenv_bsuite", "jaxenv_classic", "jaxenv_minatar", "jaxenv_misc", "jaxenv_web"]


@pytest.mark.parametrize("family", [*FAMILIES, "jaxenv.testing"])
def test_a_package_that_exports_lazily_imports_no_jax(family):
    code = f"import sys, {family}; print([name for name in ('jax', 'flax', 'numpy') if name in sys.modules])"
    assert python("-c", code).stdout.strip() == "[]"


@pytest.mark.parametrize("family", [*FAMILIES, "jaxenv.testing"])
def test_every_name_that_a_stub_exports_is_there(family):
    module = importlib.import_module(family)
    assert all(hasattr(module, name) for name in module.__all__)
    assert set(module.__all__) <= set(dir(module))
    assert len(module.__all__) > 1


def test_listing_imports_plugins_and_neither_environments_nor_jax():
    code = "import sys, jaxenv; jaxenv.registered_envs(); print([name for name in ('jax', 'flax') if name in sys.modules])"
    assert python("-c", code).stdout.strip() == "[]"


def test_making_an_environment_imports_its_module_alone():
    pytest.importorskip("jaxenv_classic")
    code = "import sys, jaxenv; jaxenv.make('Pendulum-v1'); print(*[name for name in sys.modules if name.startswith('jaxenv_')])"
    modules = python("-c", code).stdout.split()
    assert "jaxenv_classic.pendulum" in modules
    assert not {"jaxenv_classic.cartpole", "jaxenv_classic.acrobot", "jaxenv_classic.mountain_car"} & set(modules)


def test_every_public_name_exists_and_is_listed():
    code = "import jaxenv; assert set(jaxenv.__all__) <= set(dir(jaxenv)); print(jaxenv.__version__)"
    assert python("-c", code).stdout.strip()


def test_importing_the_module_of_rollout_does_not_hide_the_function():
    code = "import jaxenv.rollouts, jaxenv.rollout_wrapper, jaxenv.experimental; import jaxenv; print(callable(jaxenv.rollout))"
    assert python("-c", code).stdout.strip() == "True"


def test_gymnax_users_find_the_rollout_wrapper_where_they_expect_it():
    code = "import jaxenv; print(jaxenv.experimental.RolloutWrapper is jaxenv.RolloutWrapper)"
    assert python("-c", code).stdout.strip() == "True"


def test_an_unknown_name_is_an_attribute_error():
    code = "import jaxenv\ntry:\n    jaxenv.nothing\nexcept AttributeError as error:\n    print(error)"
    assert python("-c", code).stdout.strip() == "No jaxenv attribute nothing"
