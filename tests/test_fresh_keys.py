"""No example uses a random key twice: README, pages, docstrings, the template of a plugin, and the scripts in examples
and docs/lessons.

A key that goes to ``reset`` and then to ``step`` makes the next episode begin as this one did, and nothing says so.
"""

import ast
import doctest
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IDLE = {
    "key",
    "PRNGKey",
    "key_data",
    "key_impl",
    "wrap_key_data",
    "fold_in",
    "stream_key",
    "eval_shape",
    "lower",
    "issubdtype",
    "type",
    "print",
}
"""Functions that make a key or look at it: they draw nothing from it. ``fold_in`` and ``stream_key`` may serve many numbers."""


def examples():
    """Yield what there is to look at: a name, and Python code."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md"), *ROOT.glob("packages/**/*.md.in")]
    for page in pages:
        for number, block in enumerate(
            re.findall(r"^```py\w*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        ):
            yield f"{page.relative_to(ROOT)}:{number}", block
    for script in [*ROOT.glob("examples/*.py"), *ROOT.glob("docs/lessons/*.py")]:
        yield str(script.relative_to(ROOT)), script.read_text(encoding="utf-8")
    for source in [*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("packages/**/*.py.in")]:
        text = source.read_text(encoding="utf-8")
        tree = ast.parse(re.sub(r"\$\w+", "name", text)) if ">>>" in text else ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ">>>" in (text := ast.get_docstring(node) or ""):
                lines = doctest.DocTestParser().get_examples(text)
                yield f"{source.relative_to(ROOT)}:{getattr(node, 'name', '')}", "".join(line.source for line in lines)


EXAMPLES = dict(examples())


class Uses(ast.NodeVisitor):
    """Follows a piece of code and notes each key that is used twice."""

    def __init__(self):
        self.found = []
        self._used = {}
        self._loops = []

    def visit_FunctionDef(self, node):
        outer, self._used = self._used, {literal: line for literal, line in self._used.items() if "(" in literal}
        loops, self._loops = self._loops, []
        self.generic_visit(node)
        self._used, self._loops = outer, loops

    visit_Lambda = visit_FunctionDef  # noqa: N815 - likewise

    def visit_For(self, node):
        self.visit(node.iter)
        self._loops.append({name for inner in ast.walk(node) for name in _assigned(inner)})
        self._renew(_assigned(node))
        for statement in node.body:
            self.visit(statement)
        self._loops.pop()

    def visit_Assign(self, node):
        self.visit(node.value)
        self._renew(_assigned(node))

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in IDLE:
            return
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            key = _key(argument)
            if key:
                self._use(key, node.lineno, isinstance(argument, ast.Call) and not isinstance(argument.args[0], ast.Constant))

    def _use(self, key, line, computed):
        if key in self._used:
            self.found.append(f"line {line}: {key} was used in line {self._used[key]}")
        if self._loops and not any(key in assigned for assigned in self._loops) and not computed:
            self.found.append(f"line {line}: {key} is used again each time around the loop")
        if self._loops and computed:
            self.found.append(f"line {line}: {key} may be a key that was used elsewhere; split one key before the loop")
        self._used[key] = line

    def _renew(self, names):
        for name in names:
            self._used.pop(name, None)


def _assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.For | ast.AugAssign) else []
    return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}


def _key(node):
    """Return a key's name, or its making with a number, as text; None for what is no key."""
    if isinstance(node, ast.Name) and re.match(r"keys?(_|$)", node.id):
        return node.id
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("random.key", "random.PRNGKey")) and node.args:
        return f"key({ast.unparse(node.args[0])})"
    return None


def reused(code):
    uses = Uses()
    try:
        tree = ast.parse(textwrap.dedent(code))
    except SyntaxError:  # a method cut out of its class, after lines that are not indented
        tree = ast.parse(re.sub(r"^(?=    )", "if True:\n", code, count=1, flags=re.MULTILINE))
    uses.visit(tree)
    return uses.found


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_key_is_used_once(name):
    assert reused(EXAMPLES[name]) == []


def test_there_are_examples_of_every_kind():
    for part in (
        "README.md",
        "docs/writing-a-plugin",
        "packages/bsuite/README",
        "examples/",
        "docs/lessons/",
        "misc/src/",
        "core/src/jaxenv/",
        ".in:",
    ):
        assert any(part in name for name in EXAMPLES), part


@pytest.mark.parametrize(
    "code",
    [
        "obs, state = env.reset(key, params)\nenv.step(key, state, action, params)",
        "obs, state = env.reset(jax.random.key(0))\nenv.step(jax.random.key(0), state, action)",
        "obs, state = reset(keys, params)\nstep(keys, state, actions, params)",
        "jax.vmap(env.reset)(keys, params)\njax.vmap(env.step)(keys, state, actions)",
        "for t in range(3):\n    env.step(key, state, action)",
        "env.reset(jax.random.key(0))\nfor t in range(3):\n    env.step(jax.random.key(t), state, action)",
        "key_a, key_b = jax.random.split(key)\nenv.reset(key)",
        "env.action_space(params).sample(key)\nenv.step(key=key)",
        "def f(key):\n    env.reset(key)\n    return env.step(key)",
        "first = lambda key: (env.reset(key), env.step(key))",
        "env.reset(jax.random.PRNGKey(1))\njaxenv.rollout(env, params, None, jax.random.key(1))",
    ],
)
def test_a_key_that_is_used_twice_is_found(code):
    assert reused(code)


@pytest.mark.parametrize(
    "code",
    [
        "key, key_reset = jax.random.split(key)\nenv.reset(key_reset)\nkey, key_step = jax.random.split(key)\nenv.step(key_step)",
        "for key in jax.random.split(key_steps, 3):\n    env.step(key, state, action)",
        "for t in range(3):\n    key, key_step = jax.random.split(key)\n    env.step(key_step, state, action)",
        "def f(key):\n    env.reset(key)\n\ndef g(key):\n    env.reset(key)",
        "env.step(jax.random.fold_in(key, 0))\nenv.step(jax.random.fold_in(key, 1))",
    ],
)
def test_fresh_keys_are_not(code):
    assert reused(code) == []
