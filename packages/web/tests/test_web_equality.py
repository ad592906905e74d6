"""The JavaScript of an environment takes the steps that JAX takes: every class of our packages, in Node."""

import json
import shutil
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.cli.options import in_namespace
from jaxenv_web.assets import asset
from jaxenv_web.programs import Programs, flat, values

NODE = shutil.which("node")
REPLAY = Path(__file__).parent / "replay.js"
SEED = 7
TOLERANCE = 1e-5
"""Of floats, relative to the larger of 1 and the number."""
NEEDS_DATA = "MNISTBandit-bsuite", "mnist_noise/0", "mnist_scale/0"

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def classes():
    """Return an id of every entry point of our packages."""
    ids = {}
    for name in ("classic", "bsuite", "minatar", "misc"):
        try:
            for spec in in_namespace(name):
                ids.setdefault(spec.entry_point, spec.id)
        except jaxenv.errors.JaxenvError:  # not installed
            continue
    return [i for i in ids.values() if not i.endswith(NEEDS_DATA)]


def recorded(env, params, generator, steps):
    """Return what JAX does: keys, samples, actions, states before and after, rewards, flags and observations."""

    @jax.jit
    def play(key, params):
        key, now = jax.random.split(key)
        obs, state = env.reset(now, params)

        def step(loop, _):
            key, obs, state = loop
            key, act = jax.random.split(key)
            key, now = jax.random.split(key)
            action = env.action_space(params).sample(act)
            after_obs, after, reward, _, info = env.step(now, state, action, params)
            ends = {"terminated": info["terminated"], "truncated": info["truncated"]}
            row = {"keys": jax.random.key_data(now), "actions": action, "states": state, "after": after, "rewards": reward, **ends}
            return (key, after_obs, after), row | {"observations": obs}

        return state, jax.lax.scan(step, (key, obs, state), None, length=steps)[1]

    return jax.device_get(play(generator(jnp.uint32(SEED)), params))


def columns(tree):
    """Return stacked arrays as a page holds them: for each leaf a list of numbers, flags or flat lists."""
    found = {name: x.reshape(x.shape[0], -1)[:, 0] if x.ndim == 1 else x.reshape(x.shape[0], -1) for name, x in flat(tree).items()}
    lists = {name: x.tolist() for name, x in found.items()}
    return lists[""] if list(lists) == [""] else lists


def differences(expected, found):
    """Return for each leaf that differs the first step and both values."""
    wrong = {}
    for name, wanted in flat(expected).items():
        given = found if name == "" else [row[name] for row in found]
        given = np.array([[float(x) for x in np.atleast_1d(row)] for row in given]).reshape(wanted.shape)
        if wanted.dtype.kind == "f":
            wide = wanted.astype(np.float64)
            with np.errstate(invalid="ignore"):
                same = (np.abs(given - wide) <= TOLERANCE * np.maximum(1.0, np.abs(wide))) | (given == wide)
        else:
            same = given == wanted.astype(np.float64)
        rows = same.reshape(len(wanted), -1).all(axis=1)
        if not rows.all():
            t = int(np.argmin(rows))
            wrong[name] = (t, wanted[t].tolist(), given[t].tolist())
    return wrong


def replayed(ids, steps, tmp_path, generator=jaxenv.random.key, limit=None, **changes):
    """Return for each id what JAX does and what its JavaScript does."""
    expected, cases = {}, {}
    for env_id in ids:
        env, params = jaxenv.make(env_id)
        params = jax.tree.map(jnp.asarray, params)
        if limit is not None:
            env = env.replace(max_steps_in_episode=limit)
            params = jax.tree.map(jnp.asarray, env.default_params)
        expected[env_id] = first, rows = recorded(env, params, generator, steps)
        source = asset("arithmetic.js") + Programs(env, params, generator).source()
        given = {"states": columns(rows["states"]), "actions": columns(rows["actions"]), "params": values(params)}
        cases[env_id] = {"source": source, "seed": SEED, "steps": steps, **given}
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    subprocess.run([NODE, REPLAY, tmp_path / "cases.json", tmp_path / "found.json"], check=True, timeout=300)
    return expected, json.loads((tmp_path / "found.json").read_text())


def check(ids, steps, tmp_path, limit, **more):
    expected, found = replayed(ids, steps, tmp_path, limit=limit, **more)
    wrong = {}
    for env_id, (first, rows) in expected.items():
        mine = found[env_id]
        assert rows["terminated"].sum() + rows["truncated"].sum() >= 3, env_id
        compared = {
            "keys": (rows["keys"], mine["keys"]),
            "samples": (rows["actions"], mine["samples"]),
            "first": (jax.tree.map(lambda x: np.asarray(x)[None], first), [mine["first"]]),
            "states": (rows["after"], mine["states"]),
            "rewards": (rows["rewards"], mine["rewards"]),
            "terminated": (rows["terminated"], mine["terminated"]),
            "truncated": (rows["truncated"], mine["truncated"]),
            "observations": (rows["observations"], mine["observations"]),
        }
        if all(x.dtype.kind != "f" for x in flat(rows["after"]).values()):
            compared["own states"] = rows["after"], mine["own"]
        wrong |= {f"{env_id} {what}": d for what, (a, b) in compared.items() if (d := differences(a, b))}
    assert not wrong


def test_every_class_steps_as_jax_does(tmp_path):
    check(classes(), 100, tmp_path, 30)


@pytest.mark.long
def test_every_class_steps_as_jax_does_for_1000_steps(tmp_path):
    check(classes(), 1000, tmp_path, 250)


def test_keys_of_threefry_give_the_same_steps(tmp_path):
    ids = [i for i in classes() if i.endswith(("CartPole-v1", "Breakout-MinAtar", "FourRooms-misc"))]
    check(ids, 60, tmp_path, 15, generator=jax.random.key)
