"""Measure PPO: against PureJaxRL's with the same hyperparameters, and several seeds at once against one after another.

    python packages/baselines/scripts/compare_ppo.py --peer purejaxrl/ppo.py         # CartPole and Breakout
    python packages/baselines/scripts/compare_ppo.py --seeds 8 --env CartPole-v1     # 8 seeds at once

PureJaxRL's ``ppo.py`` and the ``wrappers.py`` beside it come from a checkout of https://github.com/luchris429/purejaxrl and run
unchanged. They need gymnax, flax, optax and chex. gymnax 1.0.1 works with JAX 0.11 and 0.12: its steps of six values go through its
own ``LegacyStepAPIWrapper``. gymnax 0.0.9 needs an older JAX. distrax is used where it is installed, else a stand-in with the three
methods that ``ppo.py`` calls. Brax and NAVIX, which ``wrappers.py`` imports for other tasks, may be missing. The peer may run in
another Python, ``--peer-python``.

Each side runs in a process of its own without a compilation cache. A line has the seconds from the start of the process to the
trained network, those before compilation (imports and setting up), those of compilation, and those of training alone: the least of
three runs of the compiled program. Both sides have separate actor and critic networks with two layers of 64, Adam with a linear
schedule, and no normalization. PureJaxRL's also clips the value loss, initialises weights orthogonally, and does not bootstrap from
final observations.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

SETTINGS: dict[str, dict[str, Any]] = {
    "CartPole-v1": {"learning_rate": 2.5e-3, "num_steps": 32, "minibatches": 8, "total_steps": 10_000_000, "activation": "tanh"},
    "Breakout-MinAtar": {"learning_rate": 5e-3, "num_steps": 64, "minibatches": 8, "total_steps": 20_000_000, "activation": "relu"},
}
"""Hyperparameters of each environment; :data:`COMMON` has the rest."""
COMMON: dict[str, Any] = {
    "epochs": 4,
    "discount": 0.99,
    "trace": 0.95,
    "clip": 0.2,
    "entropy": 0.01,
    "value": 0.5,
    "max_gradient_norm": 0.5,
}
REPEATS = 3


def ours(env_id: str, settings: dict[str, Any], seeds: int) -> tuple[Any, Any, Any]:
    """Return our training as a function of keys, example keys, and a function from its result to the final mean return."""
    import jax
    import jaxenv
    from jaxenv_baselines import ppo
    from jaxenv_baselines.tasks import Task

    config = ppo.Config(
        **settings,
        final_learning_rate=0.0,
        final_entropy=settings["entropy"],
        widths=(64, 64),
        normalize_observations=False,
        scale_rewards=False,
    )
    task = Task.of(*jaxenv.make(env_id))
    ppo.check(task, config)

    def train(key: Any) -> Any:
        return ppo.train(task, config, key)

    def final_return(result: Any) -> float:
        metrics = jax.tree.map(lambda leaf: leaf[..., -max(1, leaf.shape[-1] // 20) :], result[1])
        return float(metrics["return_sum"].sum() / metrics["episodes"].sum())

    keys = jaxenv.random.split(jaxenv.random.key(0), seeds)
    return (jax.vmap(train), keys, final_return) if seeds > 1 else (train, keys[0], final_return)


def peer(path: Path, env_id: str, settings: dict[str, Any], seeds: int) -> tuple[Any, Any, Any]:
    """Return the same of PureJaxRL's."""
    import jax

    for name in ("brax", "brax.envs", "brax.envs.wrappers", "brax.envs.wrappers.training", "navix"):
        _stand_in(name)
    if importlib.util.find_spec("distrax") is None:
        _stand_in("distrax").Categorical = _Categorical  # type: ignore[attr-defined]
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("purejaxrl_ppo", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.gymnax = types.SimpleNamespace(make=_legacy_make)
    config = {
        "LR": settings["learning_rate"],
        "NUM_ENVS": settings["num_envs"],
        "NUM_STEPS": settings["num_steps"],
        "TOTAL_TIMESTEPS": settings["total_steps"],
        "UPDATE_EPOCHS": settings["epochs"],
        "NUM_MINIBATCHES": settings["minibatches"],
        "GAMMA": settings["discount"],
        "GAE_LAMBDA": settings["trace"],
        "CLIP_EPS": settings["clip"],
        "ENT_COEF": settings["entropy"],
        "VF_COEF": settings["value"],
        "MAX_GRAD_NORM": settings["max_gradient_norm"],
        "ACTIVATION": settings["activation"],
        "ENV_NAME": env_id,
        "ANNEAL_LR": True,
        "DEBUG": False,
    }
    train = module.make_train(config)

    def final_return(result: Any) -> float:
        returns = result["metrics"]["returned_episode_returns"]
        return float(returns[..., -1, :, :].mean())

    keys = jax.random.split(jax.random.PRNGKey(0), seeds)
    return (jax.vmap(train), keys, final_return) if seeds > 1 else (train, keys[0], final_return)


def _stand_in(name: str) -> types.ModuleType:
    """Put an empty module in the place of one that is not installed; its attributes are types."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module = types.ModuleType(name)
        module.__path__ = []
        module.__getattr__ = lambda attribute: type(attribute, (), {})  # type: ignore[method-assign]
        sys.modules[name] = module
        return module


class _Categorical:
    """The three methods of ``distrax.Categorical`` that ``ppo.py`` calls."""

    def __init__(self, logits: Any) -> None:
        import jax

        self.logits = jax.nn.log_softmax(logits)

    def sample(self, *, seed: Any) -> Any:
        import jax

        return jax.random.categorical(seed, self.logits)

    def log_prob(self, action: Any) -> Any:
        import jax.numpy as jnp

        return jnp.take_along_axis(self.logits, action[..., None], axis=-1)[..., 0]

    def entropy(self) -> Any:
        import jax.numpy as jnp

        return -(jnp.exp(self.logits) * self.logits).sum(axis=-1)


def _legacy_make(env_id: str) -> tuple[Any, Any]:
    env, params = importlib.import_module("gymnax").make(env_id)
    legacy = getattr(importlib.import_module("gymnax.wrappers"), "LegacyStepAPIWrapper", None)
    return (env if legacy is None else legacy(env)), params


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Compile and train in this process, and return the durations."""
    settings = settings_of(given.env[0], given)
    import jax

    env_id = given.env[0]
    build = peer(given.peer, env_id, settings, given.seeds) if given.side == "peer" else ours(env_id, settings, given.seeds)
    train, keys, final_return = build
    begun = time.time()
    program = jax.jit(train).lower(keys).compile()
    compiled = time.time()
    result = jax.block_until_ready(program(keys))
    trained = time.time()
    reached = final_return(result)
    runs = [trained - compiled]
    for _ in range(REPEATS - 1):
        start = time.time()
        jax.block_until_ready(program(keys))
        runs.append(time.time() - start)
    return {
        "side": given.side,
        "env": env_id,
        "seeds": given.seeds,
        "start_to_trained": trained - given.started,
        "before": begun - given.started,
        "compile": compiled - begun,
        "run": min(runs),
        "steps_per_second": given.seeds * settings["total_steps"] / min(runs),
        "final_return": reached,
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
    }


def settings_of(env_id: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the hyperparameters of an environment; the number of steps is a whole number of updates."""
    settings = {**COMMON, **SETTINGS[env_id], "num_envs": given.num_envs}
    if given.total_steps:
        settings["total_steps"] = given.total_steps
    a_round = settings["num_envs"] * settings["num_steps"]
    settings["total_steps"] = max(1, settings["total_steps"] // a_round) * a_round
    return settings


def alone(side: str, env_id: str, seeds: int, given: argparse.Namespace) -> dict[str, Any]:
    """Measure in a new process without a compilation cache."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION_CACHE")}
    environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    python = given.peer_python if side == "peer" else sys.executable
    words = [python, __file__, "--side", side, "--env", env_id, "--seeds", str(seeds), "--num-envs", str(given.num_envs)]
    words += [] if given.peer is None else ["--peer", str(given.peer)]
    words += [] if given.total_steps is None else ["--total-steps", str(given.total_steps)]
    done = subprocess.run([*words, "--started", repr(time.time())], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{side}, {env_id}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def line(found: dict[str, Any]) -> str:
    """Return a measurement in words."""
    return (
        f"{found['env']}, {found['side']}, {found['seeds']} seed{'s' * (found['seeds'] > 1)}: "
        f"{found['start_to_trained']:.2f} s from start to trained ({found['before']:.2f} s before compilation, "
        f"{found['compile']:.2f} s of compilation), "
        f"{found['run']:.3f} s of training alone ({found['steps_per_second']:,.0f} steps a second), "
        f"return {found['final_return']:.4g}; {found['device']}, JAX {found['jax']}"
    )


def main() -> None:
    """Run the requested measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="PureJaxRL's ppo.py")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that runs it")
    parser.add_argument("--env", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=1, help="with more than 1, measure this many at once against one")
    parser.add_argument("--num-envs", type=int, default=2048)
    parser.add_argument("--total-steps", type=int, help="steps of one seed, in place of the environment's own")
    parser.add_argument("--json", type=Path, help="write all measurements into this file")
    parser.add_argument("--side", choices=["ours", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(measured(given)))
        return
    every: list[dict[str, Any]] = []
    for env_id in given.env:
        found = [alone("ours", env_id, seeds, given) for seeds in sorted({1, given.seeds})]
        if given.peer is not None:
            found.append(alone("peer", env_id, 1, given))
        every += found
        print(*map(line, found), sep="\n", flush=True)
        mine = found[0]
        if given.seeds > 1:
            times = given.seeds * mine["run"] / found[1]["run"]
            print(f"{env_id}: {given.seeds} seeds at once have {times:.2f} times the throughput of one after another", flush=True)
        if given.peer is not None:
            shares = [mine[name] / found[-1][name] for name in ("start_to_trained", "run")]
            print(
                f"{env_id}: ours takes {shares[0]:.2f} of the peer's time to trained, {shares[1]:.2f} of its training alone",
                flush=True,
            )
    if given.json is not None:
        given.json.write_text(json.dumps(every, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
