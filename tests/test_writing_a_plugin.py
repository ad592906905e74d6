"""docs/writing-a-plugin.md is true: its commands print what it says, its excerpts are in their files, no hook is missing.

Its ``python`` blocks run with those of all documents (see conftest.py at the root).
"""

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

from jaxenv import Environment, hookspecs

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = {"jaxenv": [sys.executable, "-m", "jaxenv.cli"], "pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]}


class Terminal:
    """Someone who types the page's commands."""

    def __init__(self, folder, install):
        self.folder, self.install, self.environ = folder, install, None

    def type(self, line):
        program, *args = shlex.split(line)
        if program == "cd":
            self.folder /= args[0]
        elif program == "pip":
            self.environ = self.install(self.folder)
        else:
            command = [*PROGRAMS.get(program, [program]), *args]
            done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout
        return ""


def sessions():
    """Yield the page's commands, each with the output that it shows, in order."""
    for language, text in BLOCKS:
        if language == "console":
            yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)


def as_shown(shown, printed):
    """Whether ``printed`` is ``shown``, in which an ellipsis stands for anything, but for spaces."""
    words = [re.escape(word) if word != "..." else ".*" for word in shown.split()]
    return re.fullmatch(r"\s*".join(words), " ".join(printed.split()), re.DOTALL)


def test_the_commands_print_what_is_shown_and_the_excerpts_are_in_the_files(tmp_path, install):
    terminal = Terminal(tmp_path, install)
    for command, shown in sessions():
        printed = terminal.type(command)
        if command.startswith("find"):
            printed = "\n".join(sorted(printed.split()))
        assert as_shown(shown, printed), f"$ {command}\n{printed}"
    for language, text in BLOCKS:
        if language == "py":
            title, excerpt = text.split("\n", 1)
            assert excerpt in (terminal.folder / title.removeprefix("# ")).read_text(encoding="utf-8"), title
        elif language == "toml":
            assert text in (terminal.folder / "pyproject.toml").read_text(encoding="utf-8")


def test_every_block_is_of_a_kind_that_is_executed():
    assert {language for language, _ in BLOCKS} == {"console", "py", "python", "toml"}


def plugin_hooks():
    """Return the hooks of a plugin: what is marked in hookspecs."""
    return {name: member for name, member in vars(hookspecs).items() if hasattr(member, "jaxenv_spec")}


def test_every_plugin_hook_is_documented_with_its_signature():
    for name, hook in plugin_hooks().items():
        assert f"### `{name}{str(inspect.signature(hook)).replace(chr(39), '')}`\n" in PAGE


def test_every_plugin_hook_has_a_test():
    tests = (ROOT / "tests" / "test_hooks.py").read_text(encoding="utf-8")
    assert {f"test_hook_{name}" for name in plugin_hooks()} == set(re.findall(r"^def (test_hook_\w+)\(", tests, re.MULTILINE))


def test_every_environment_hook_is_documented_with_its_parameters():
    given = {"reset", "restart", "step", "step_env", "advance", "name", "num_actions", "unwrapped", "state_space", "replace"}
    given |= {"param_overrides", "with_leaves", "without_overrides", "state_shapes", "accepts", "lift"}
    given |= {"report", "batch_axes", "expected_params", "observed_layer"}  # of wrappers, and of core itself
    for name, member in vars(Environment).items():
        if name.startswith("_") or name in given:
            continue
        parameters = inspect.signature(member).parameters.values() if callable(member) else ()
        named = [p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters if p.name != "self"]
        assert f"| `{name}({', '.join(named)})` |" in PAGE if callable(member) else f"| `{name}` |" in PAGE
