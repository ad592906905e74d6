"""What a seed means: a short account of 200 random steps of every environment, kept in ``golden_trajectories.json`` of its family.

    python tests/golden.py            # compare, print what differs
    python tests/golden.py --write    # write the files anew; say in the changelog why

Integers and flags of all steps are hashed: observations, actions, rewards that are whole, ends of episodes. Floats are rounded
differently by versions of XLA, and feedback amplifies that, so of those the mean and the last number of the first steps are kept,
to be compared with a tolerance.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
from jaxenv.registry import EnvSpec

ROOT = Path(__file__).parent.parent
FAMILIES = ("classic", "bsuite", "minatar", "misc")
KEYS = {
    "jax.random.key(0)": lambda: jax.random.key(0),
    "jax.random.PRNGKey(0)": lambda: jax.random.PRNGKey(0),
    "jaxenv.random.key(0)": lambda: jaxenv.random.key(0),
}
STEPS = 200
EARLY = 5
"""Steps after which floats of two versions of XLA still agree."""
DIGITS = 9


def path(family: str) -> Path:
    """Return the file of a family."""
    return ROOT / "packages" / family / "tests" / "data" / "golden_trajectories.json"


def specs(family: str) -> list[EnvSpec]:
    """Return all ids of a family; of bsuite's, the first of each class. An id without its data is left out."""
    found: dict[Any, EnvSpec] = {}
    for spec in jaxenv.registered_envs(family):
        if "mnist" not in spec.id.lower():  # its images are not part of any package
            found.setdefault((spec.entry_point, spec.group) if family == "bsuite" else spec.id, spec)
    by_class: dict[Any, EnvSpec] = {}
    for spec in found.values():
        by_class.setdefault(type(jaxenv.make(spec)[0].unwrapped) if family == "bsuite" else spec.id, spec)
    return list(by_class.values())


@partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 0})
def _play(env: Any, params: Any, keys: Any) -> Any:
    """Reset and step with random actions, once for each key."""

    def one(key: Any) -> Any:
        def step(carry: Any, time: Any) -> Any:
            state, key = carry
            key_act, key_step = jaxenv.random.split(jaxenv.random.fold_in(key, time))
            action = env.action_space(params).sample(key_act)
            obs, state, reward, done, info = env.step(key_step, state, action, params)
            seen = {"obs": obs, "action": action, "reward": reward, "done": done, "terminated": info["terminated"]}
            return (state, key), seen

        obs, state = env.reset(key, params)
        _, steps = jax.lax.scan(step, (state, key), jnp.arange(1, STEPS + 1, dtype=jnp.uint32))
        return obs, steps

    return [one(key) for key in keys]


def account(spec: EnvSpec) -> dict[str, Any]:
    """Return what is kept of an environment, for each key."""
    env, params = jaxenv.make(spec)
    played = jax.tree.map(np.asarray, _play(env, params, [make() for make in KEYS.values()]))
    by_key = {name: _summary(*one) for name, one in zip(KEYS, played, strict=True)}
    if by_key["jax.random.key(0)"] != by_key["jax.random.PRNGKey(0)"]:
        raise AssertionError(f"{spec.id}: typed and raw keys give different trajectories")
    return by_key


def _summary(first: Any, steps: dict[str, Any]) -> dict[str, Any]:
    begin = {f"first{jax.tree_util.keystr(p)}": leaf for p, leaf in jax.tree.leaves_with_path(first)}
    later = {jax.tree_util.keystr(p): leaf for p, leaf in jax.tree.leaves_with_path(steps)}
    kept: dict[str, Any] = {}
    digest = hashlib.sha256()
    for name, leaf in sorted((begin | later).items()):
        if _is_float(leaf):
            part = leaf if name.startswith("first") else leaf[:EARLY]
            kept[name] = [float(f"{part.mean(dtype=np.float64):.{DIGITS}g}"), float(f"{part.ravel()[-1]:.{DIGITS}g}")]
        else:
            digest.update(f"{name} {leaf.dtype.str} {leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).tobytes())
    return kept | {"sha256": digest.hexdigest()}


def _is_float(leaf: Any) -> bool:
    return np.issubdtype(leaf.dtype, np.floating) and not np.array_equal(leaf, np.round(leaf))


def differences(family: str, spec: EnvSpec) -> list[str]:
    """Return how an environment differs from what is kept of it, a line each."""
    known = kept(family).get(spec.id)
    if known is None:
        return [f"{spec.id} is not in {path(family).name}. Run: python tests/golden.py --write"]
    found = account(spec)
    return [
        f"{spec.id} with {key}: {name} is {found[key].get(name)}, but {known[key].get(name)} is kept"
        for key in KEYS
        for name in sorted({*found[key], *known[key]})
        if not _same(found[key].get(name), known[key].get(name))
    ]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return bool(np.allclose(a, b, rtol=1e-5, atol=1e-6))
    return a == b


@lru_cache
def kept(family: str) -> dict[str, Any]:
    """Return what the file of a family holds."""
    return json.loads(path(family).read_text()) if path(family).is_file() else {}


def main() -> int:
    """Compare all families with their files, or write these."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the files anew")
    parser.add_argument("families", nargs="*", default=FAMILIES, help="classic, bsuite, minatar, misc; all by default")
    chosen = parser.parse_args()
    found: list[str] = []
    for family in chosen.families:
        if chosen.write:
            accounts = {spec.id: account(spec) for spec in specs(family)}
            path(family).parent.mkdir(exist_ok=True)
            path(family).write_text(json.dumps(accounts, indent=1) + "\n")
            print(f"wrote {path(family)}: {len(accounts)} environments")
        else:
            found += [line for spec in specs(family) for line in differences(family, spec)]
    if not chosen.write:
        print("\n".join(found) or "nothing differs")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
