"""Train, evaluate and write the agents that are shipped: every configured id, with time limits for each and for all.

    python packages/baselines/scripts/train_agents.py --out agents
    python packages/baselines/scripts/train_agents.py --out agents --only CartPole Breakout --seeds 4 --limit 30

Ids come in the order of ``configs.py``. While one trains, the programs of the next ones are compiled in threads. Each agent is
written as soon as it is evaluated, into ``OUT/<full id>/`` (``agent.safetensors``, ``agent.json``, ``metrics.jsonl``), and
``OUT/results.json`` has an entry for each id: return, steps and seconds, or an error. Ids with an agent in ``OUT`` are skipped, so
the script can be run again. To ship the agents, copy ``agent.*`` into ``src/jaxenv_baselines/agents``, then run
``tests/golden.py --write``, ``scripts/measure_transfer.py`` and ``docs/make_baselines.py --results OUT``.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jaxenv
from jaxenv.errors import JaxenvPerformanceWarning
from jaxenv_baselines import agent, files, training
from jaxenv_baselines.algorithms import config_of
from jaxenv_baselines.configs import CONFIGS, env_settings_for, settings_for


def prepared(env_id: str, given: argparse.Namespace) -> training.Training:
    """Return the training of an id, compiled."""
    gpu = jax.default_backend() == "gpu" if given.sizes == "auto" else given.sizes == "gpu"
    name, settings = settings_for(env_id, gpu=gpu)
    config = config_of(name, {**settings, **dict(given.set)})
    run = training.Training(
        jaxenv.spec(env_id),
        env_settings_for(env_id),
        name,
        config,
        given.seed,
        given.seeds,
        episodes=given.episodes,
        half=not given.float32,
    )
    run.compile()
    return run


def trained(run: training.Training, limit: float) -> bool:
    """Train to the end, or for as many seconds; return whether it came to the end."""
    start = time.perf_counter()
    for report in run.run():
        left = report.steps < report.total_steps
        if left and time.perf_counter() - start > limit:
            return False
    return True


def written(run: training.Training, directory: Path) -> dict[str, Any]:
    """Evaluate and write the agent; return its description."""
    lines = "".join(f"{json.dumps(line)}\n" for line in run.lines)
    described = run.save_agent(directory)
    files.write(directory / training.METRICS, lines.encode())
    return described


def ahead(ids: list[str], given: argparse.Namespace) -> Iterator[tuple[str, Future[training.Training]]]:
    """Yield each id with its training, of which some are compiled while others run."""
    with ThreadPoolExecutor(given.compilers) as pool:
        waiting = {env_id: pool.submit(prepared, env_id, given) for env_id in ids[: given.compilers]}
        later = iter(ids[given.compilers :])
        for env_id in ids:
            yield env_id, waiting.pop(env_id)
            following = next(later, None)
            if following is not None:
                waiting[following] = pool.submit(prepared, following, given)


def setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE, the value as JSON or as it is."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> None:
    """Train the requested agents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="directory of the agents")
    parser.add_argument("--only", nargs="*", help="ids, or parts of them")
    parser.add_argument("--seeds", type=int, default=1, help="members, of which the best is kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of training for each id")
    parser.add_argument("--total", type=float, default=1e9, help="seconds after which no training begins")
    parser.add_argument("--episodes", type=int, default=1000, help="episodes that evaluate each agent")
    parser.add_argument("--sizes", choices=["auto", "cpu", "gpu"], default="auto", help="whose settings")
    parser.add_argument("--set", type=setting, action="append", default=[], help="NAME=VALUE, for every id")
    parser.add_argument("--compilers", type=int, default=2, help="threads that compile ahead")
    parser.add_argument("--float32", action="store_true", help="store weights as float32, not as float16")
    given = parser.parse_args()
    warnings.simplefilter("ignore", JaxenvPerformanceWarning)

    start, file = time.perf_counter(), given.out / "results.json"
    results: dict[str, Any] = files.read_json(file) if file.is_file() else {}
    ids = [env_id for env_id in CONFIGS if not given.only or any(part in env_id for part in given.only)]
    ids = [env_id for env_id in ids if not (given.out / env_id / agent.DESCRIPTION).is_file()]
    for env_id, future in ahead(ids, given):
        if time.perf_counter() - start > given.total:
            future.cancel()
            results[env_id] = {"error": "no time was left"}
            continue
        clock = time.perf_counter()
        try:
            run = future.result()
            waited = time.perf_counter() - clock
            finished = trained(run, given.limit)
            described = written(run, given.out / env_id)
            results[env_id] = {
                "device": jax.devices()[0].device_kind,
                "algorithm": described["algorithm"],
                "returns": described["returns"],
                "steps": described["steps"],
                "seeds": given.seeds,
                "train_seconds": round(run.seconds, 2),
                "compile_seconds": round(run.compile_seconds, 2),
                "waited_seconds": round(waited, 2),
                "wall_seconds": round(time.perf_counter() - clock, 2),
                "finished": finished,
            }
            returns = described["returns"]
            line = f"{returns['mean']:.5g} [{returns['low']:.5g}, {returns['high']:.5g}] after {described['steps']:,} steps"
            line += "" if finished else ", not all of them"
        except Exception as error:  # one id that fails takes no other along
            traceback.print_exc()
            results[env_id] = {"error": f"{type(error).__name__}: {error}"}
            line = results[env_id]["error"]
        print(f"{time.perf_counter() - start:6.1f} s  {env_id}: {line}", flush=True)
        files.write_json(file, results)


if __name__ == "__main__":
    main()
