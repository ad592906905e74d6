"""A third party's plugin (sample_plugin) beside our own packages: found, listed, and passing its own tests."""

import re
import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).parent / "sample_plugin"
PUBLIC = {
    "jaxenv": {"EnvSpec", "Environment", "Params", "State", "Transition", "random", "spaces"},
    "jaxenv.errors": {"SettingError"},
    "jaxenv.hookspecs": {"hookimpl"},
    "jaxenv.registry": {"Command", "LoadedPolicy", "PolicySource"},
    "jaxenv.testing": {"check_env"},
}


def test_it_passes_its_own_tests(install):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", "--rootdir", SAMPLE, SAMPLE],
        cwd=SAMPLE,
        env=install(SAMPLE),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_uses_public_names_alone():
    for path in SAMPLE.rglob("*.py"):
        for module, names in re.findall(r"^\s*from (jaxenv[\w.]*) import (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            if not module.startswith("jaxenv_greenhouse"):
                assert set(names.split(", ")) <= PUBLIC[module], path
