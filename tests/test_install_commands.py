"""Every ``pip install`` in a document works from a clone: what is ours is named by its folder, with extras that it has."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md"), *ROOT.glob("packages/**/*.md.in")]


def commands():
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ").replace("$$", "$")
        for command in re.findall(r"pip install ([^`\n&|#]*)", text):
            yield pytest.param(page, command.strip(), id=f"{page.relative_to(ROOT)}: {command.strip()[:50]}")


COMMANDS = list(commands())


def test_there_are_some():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_names_what_there_is(page, command):
    words = shlex.split(command)
    groups = [after for before, after in pairwise(words) if before == "--group"]
    assert set(groups) <= set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"])
    for word in words:
        if word.startswith("-") or word in groups:
            continue
        name, _, extras = word.rstrip("]").partition("[")
        assert not name.startswith("jaxenv"), f"{name} is on no package index: write ./packages/..."
        if name == ".":  # a generated project, in its own folder
            file = ROOT / "packages/core/src/jaxenv/cli/plugin_template/pyproject.toml.in"
        elif name.startswith("."):
            file = ROOT / name / "pyproject.toml"
        else:
            continue
        known = tomllib.loads(re.sub(r"\$\w+", "name", file.read_text(encoding="utf-8")))["project"].get(
            "optional-dependencies", {}
        )
        assert set(filter(None, extras.split(","))) <= set(known)
