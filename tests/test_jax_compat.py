"""jaxenv uses JAX's documented interface, but for one file; and without what that file uses, everything still works."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jaxenv
import pytest
from jaxenv import _jax_compat

PACKAGES = Path(__file__).parents[1] / "packages"
UNDOCUMENTED = re.compile(
    r"jax\._src|jax\.core\b|jax\.interpreters|jax\.experimental|jax\.lib\b|jax\.util\b|jax\.linear_util|\b_impl\b"
)


def test_what_is_not_documented_stands_in_one_file():
    found = {
        f"{path.relative_to(PACKAGES)}:{number}"
        for path in PACKAGES.glob("*/src/**/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if path.name != "_jax_compat.py" and UNDOCUMENTED.search(line)
    }
    assert found == set()


def test_every_entry_says_why_and_what_happens_without_it():
    text = Path(_jax_compat.__file__).read_text()
    entries = re.findall(r"^# -- (\w+): ", text, re.MULTILINE)
    assert entries == ["materialize", "is_traced", "enable_x64", "generator_of", "call", "ptx_call"]
    for words in ("# Why: ", "# Tried: ", "# Without: "):
        assert text.count(words) == len(entries), words


def test_this_jax_has_all_that_there_is_to_have():
    assert _jax_compat.MISSING == {}


BREAK = {
    "none": "",
    "materialize": "import jax.experimental.xla_metadata as m; del m.set_xla_metadata",
    "materialize, later": (
        "import jax.interpreters.mlir as m; f = m.lower_fun\n"
        "m.lower_fun = lambda g, **k: 1 / 0 if 'inlined' in g.__name__ else f(g, **k)"
    ),
    "is_traced": "import jax.core as c; del c.Tracer",
    "call": (
        "import jax.interpreters.mlir as m; f = m.register_lowering\n"
        "m.register_lowering = lambda p, *a, **k: 1 / 0 if p.name == 'jaxenv_call' else f(p, *a, **k)"
    ),
    "generator_of": "import jaxenv._jax_compat as c; c.generator_of = lambda dtype: None",
    "ptx_call": "import jax.ffi; jax.ffi.ffi_call = None",
}
"""What takes an entry away, before jaxenv is imported."""

PLAY = """
import hashlib, json, sys
import flax.struct, jax, jax.numpy as jnp, numpy as np
{break_it}
import jaxenv
from jaxenv import _jax_compat

def digest(tree):
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        leaf = np.asarray(leaf)
        found.update(leaf.tobytes() if leaf.dtype.kind != "f" else np.round(leaf.astype(float), 4).tobytes())
    return found.hexdigest()[:12]

digests = {{}}
for env_id in {ids}:
    env, params = jaxenv.make(env_id)
    key, keys = jax.random.key(0), jax.random.split(jax.random.key(1), 3)
    obs, state = env.reset(key, params)
    stepped = env.step(key, state, env.action_space(params).sample(key), params)[:4]
    states = jax.vmap(env.reset, in_axes=(0, None))(keys, params)[1]
    actions = jax.vmap(env.action_space(params).sample)(keys)
    walk = lambda states, _: (jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, states, actions, params)[1], None)
    walked = jax.jit(lambda states: jax.lax.scan(walk, states, None, 3)[0])(states)
    rolled = jaxenv.rollout(env, params, None, key, num_envs=3, num_steps=4).trajectory
    digests[env_id] = [digest(x) for x in ((obs, state), stepped, walked, rolled)]
print(json.dumps([digests, list(_jax_compat.MISSING)]))
"""

SHORT = ["CartPole-v1", "Breakout-MinAtar", "FourRooms-misc"]


def play(broken, ids):
    code = PLAY.format(break_it=BREAK[broken], ids=ids)
    environment = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # compiled in half the time
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout.splitlines()[-1])


def check(broken, whole, ids):
    digests, missing = play(broken, ids)
    assert digests == whole[0]
    assert missing == ([broken.split(",")[0]] if broken in ("materialize", "materialize, later", "is_traced", "call") else [])


@pytest.fixture(scope="module")
def whole():
    return play("none", SHORT)


@pytest.mark.parametrize("broken", [name for name in BREAK if name != "none"])
def test_without_an_entry_everything_plays_the_same(broken, whole):
    check(broken, whole, SHORT)


@pytest.mark.long
@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("broken", [name for name in BREAK if name != "none"])
def test_without_an_entry_every_class_plays_the_same(broken):
    ids = list({spec.entry_point: spec.id for spec in reversed(jaxenv.registered_envs())}.values())
    check(broken, play("none", ids), ids)


def test_the_versions_that_were_tested_are_in_order():
    numbers = [tuple(map(int, version.split("."))) for version in _jax_compat.TESTED]
    assert numbers == sorted(numbers)
    assert jax.__version_info__ >= numbers[0][:3]
