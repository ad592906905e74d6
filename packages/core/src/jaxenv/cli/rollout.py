"""``jaxenv rollout ID``: let a policy play many copies of an environment, and say how it went and how fast."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.progress import Progress
from rich.text import Text

from jaxenv.cli.memory import check_fits, size_of
from jaxenv.cli.objects import load_policy
from jaxenv.cli.options import LARGEST, EnvId, PolicyName, Seed, Settings, overrides
from jaxenv.cli.output import AsJson, console, counted, print_json, table
from jaxenv.errors import SettingError
from jaxenv.registry import make
from jaxenv.registry.lookup import spec as find_spec

if TYPE_CHECKING:
    from jax import Array

GENERATORS = ("jaxenv", "threefry2x32", "rbg", "unsafe_rbg")
""":func:`jaxenv.random.key`, and JAX's generators."""


class RolloutSummary(NamedTuple):
    """How a rollout went."""

    id: str
    policy: str
    overrides: dict[str, Any]
    num_envs: int
    num_steps: int
    seed: int
    prng: str
    unroll: int
    device: str
    episodes: int
    return_mean: float
    return_sem: float
    return_std: float
    return_min: float
    return_max: float
    length_mean: float
    compile_seconds: float
    run_seconds: float
    steps_per_second: float


def rollout(
    env_id: EnvId,
    num_envs: Annotated[int, typer.Option(min=1, max=LARGEST, help="Copies of the environment, stepped together.")] = 64,
    num_steps: Annotated[int, typer.Option(min=1, max=LARGEST, help="Steps for each copy.")] = 1_000,
    policy: PolicyName = "random",
    seed: Seed = 0,
    settings: Settings = None,
    prng: Annotated[str, typer.Option(help=f"Generator of the random numbers: {', '.join(GENERATORS)}.")] = GENERATORS[0],
    unroll: Annotated[int | None, typer.Option(min=1, max=1000, help="Steps in one iteration of the compiled loop.")] = None,
    devices: Annotated[str, typer.Option(help="Devices to spread the environments over: a number, or all.")] = "1",
    minari: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write the steps as a Minari data set, such as cartpole/random-v0 (extra minari)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play random actions, or a policy's, and print returns, lengths and speed."""
    values = overrides(settings)
    if minari is not None:
        from jaxenv.adapters.minari import check_name

        check_name(minari)
    if prng not in GENERATORS:
        raise SettingError("--prng", prng, f"one of {', '.join(GENERATORS)}")
    screen = console(stderr=True)
    progress = Progress(console=screen, transient=True) if screen.is_terminal else None
    report, played = None, None if minari is None else []
    with progress or nullcontext():
        task = progress.add_task("compiling", total=num_steps) if progress else None
        for event in play(env_id, values, num_envs, num_steps, seed, prng, unroll, devices, policy, played):
            if isinstance(event, RolloutSummary):
                report = event
            elif progress and task is not None:
                progress.update(task, description="playing", completed=event)
    assert report is not None
    if minari is not None and played is not None:
        _write(minari, report, played)
    if as_json:
        print_json(report._asdict())
    else:
        _print(report)


def play(
    env_id: str,
    values: dict[str, Any],
    num_envs: int,
    num_steps: int,
    seed: int,
    prng: str,
    unroll: int | None = None,
    devices: str = "1",
    policy: str = "random",
    played: list[Any] | None = None,
) -> Iterator[int | RolloutSummary]:
    """Yield the number of steps played so far, again and again, and in the end the report; put trajectories into ``played``."""
    import jax
    import numpy as np

    from jaxenv.engine.plan import Plan, RolloutInputs
    from jaxenv.engine.scan import default_unroll
    from jaxenv.episodes import summary
    from jaxenv.rollouts import ExecutorChoice, RolloutRunner

    spec = find_spec(env_id)
    env, params = make(spec, **values)
    loaded = None if policy == "random" else load_policy("--policy", policy, spec, env, params)
    act, policy_params, initial_carry = (None, None, None) if loaded is None else loaded
    key = _key(seed, prng)
    mesh = _mesh(devices)
    one = jax.eval_shape(env.reset, key, params)
    check_fits("--num-envs", num_envs, size_of(one), "one environment", 1 if mesh is None else mesh.size)
    if played is not None:
        check_fits("--num-steps", num_steps, 2 * num_envs * size_of(one[0]), "one step of all environments")
    unrolled = default_unroll() if unroll is None else unroll
    choice = ExecutorChoice.of(None if unroll is None else False, key, mesh)

    def runner(params: Any, key: Array) -> RolloutRunner:
        inputs = RolloutInputs(params, key, policy_params, initial_carry)
        return RolloutRunner(Plan(env, act), num_envs, unrolled, inputs, choice, mesh)

    def begin(params: Any, key: Array) -> Any:
        return runner(params, key).begin()

    def piece(params: Any, key: Array, loop: Any, elapsed: Array, length: int) -> Any:
        loop, trajectory = runner(params, key).play(loop, elapsed, length)
        return loop, None if played is None else trajectory

    lengths = _pieces(num_steps, unrolled)
    clock = [time.perf_counter()]
    compiled_begin = jax.jit(begin).lower(params, key).compile()
    clock.append(time.perf_counter())
    loop, elapsed = jax.block_until_ready(compiled_begin(params, key)), 0
    clock.append(time.perf_counter())
    jitted_piece = jax.jit(piece, static_argnums=4)
    steps = {length: jitted_piece.lower(params, key, loop, 0, length).compile() for length in set(lengths)}
    clock.append(time.perf_counter())
    yield elapsed
    for length in lengths:
        loop, trajectory = jax.block_until_ready(steps[length](params, key, loop, elapsed))
        if played is not None:
            played.append(jax.device_get(trajectory))
        elapsed += length
        yield elapsed
    clock.append(time.perf_counter())
    compiling_begin, resetting, compiling_steps, stepping = (after - before for before, after in itertools.pairwise(clock))
    compile_seconds, run_seconds = compiling_begin + compiling_steps, resetting + stepping

    statistics = jax.device_get(summary(loop[-1]))
    used = sorted(jax.tree.leaves(loop)[0].devices(), key=lambda device: device.id)
    yield RolloutSummary(
        id=spec.id,
        policy=policy,
        overrides=values,
        num_envs=num_envs,
        num_steps=num_steps,
        seed=seed,
        prng=prng,
        unroll=unrolled,
        device=f"{used[0]} ({used[0].device_kind})" + (f" and {len(used) - 1} more" if len(used) > 1 else ""),
        episodes=int(np.asarray(loop[-1].episodes, np.int64).sum()),  # more than int32 holds, in a long rollout of short ones
        return_mean=float(statistics.return_mean),
        return_sem=float(statistics.return_sem),
        return_std=float(statistics.return_std),
        return_min=float(statistics.return_min),
        return_max=float(statistics.return_max),
        length_mean=float(statistics.length_mean),
        compile_seconds=compile_seconds,
        run_seconds=run_seconds,
        steps_per_second=num_envs * num_steps / run_seconds,
    )


def _write(name: str, report: RolloutSummary, played: list[Any]) -> None:
    import jax
    import numpy as np

    from jaxenv.adapters.minari import create_dataset

    trajectory = jax.tree.map(lambda *pieces: np.concatenate(pieces), *played)
    description = f"{report.id}: policy {report.policy}, seed {report.seed}, {report.prng} keys"
    create_dataset(name, report.id, trajectory, algorithm_name=report.policy, description=description, **report.overrides)


def _key(seed: int, prng: str) -> Array:
    import jax

    import jaxenv

    return jaxenv.random.key(seed) if prng == "jaxenv" else jax.random.key(seed, impl=prng)


def _mesh(devices: str) -> Any:
    """Return a mesh of the first so many devices; None for one."""
    import jax
    import numpy as np
    from jax.sharding import Mesh

    available = jax.devices()
    count = len(available) if devices == "all" else int(devices) if devices.isdecimal() else 0
    if not 1 <= count <= len(available):
        raise SettingError("--devices", devices, f"all, or a number from 1 to {len(available)}")
    return Mesh(np.array(available[:count]), "envs") if count > 1 else None


def _pieces(num_steps: int, unroll: int) -> list[int]:
    """Cut the steps into about twenty pieces, of one length if there is a way, since every length is compiled anew.

    No piece is shorter than 100 steps, so that handing pieces to the device takes no time that matters.
    """
    most = max(1, min(20, num_steps // 100))
    count = next((n for n in range(most, most // 2, -1) if num_steps % (n * unroll) == 0), most)
    length = -(-num_steps // count)
    length += -length % unroll
    whole, rest = divmod(num_steps, length)
    return [length] * whole + [rest] * (rest > 0)


def _print(report: RolloutSummary) -> None:
    out = console()
    rows = table("", "")
    rows.show_header = False
    if report.episodes:
        error = "" if math.isnan(report.return_sem) else f" ± {report.return_sem:.3g} (standard error)"
        rows.add_row("episodes", f"{report.episodes:,}")
        rows.add_row("mean return", f"{report.return_mean:.6g}{error}")
        rows.add_row("returns", f"{report.return_min:g} to {report.return_max:g}")
        rows.add_row("mean length", f"{report.length_mean:.6g} steps")
    else:
        rows.add_row("episodes", "none ended: play more steps with --num-steps")
    rows.add_row("steps", f"{counted(report.num_envs, 'environment')} x {counted(report.num_steps, 'step')}")
    rows.add_row("speed", f"{report.steps_per_second:,.0f} steps a second ({report.run_seconds:.3g} s)")
    rows.add_row("compilation", f"{report.compile_seconds:.3g} s, not counted above")
    rows.add_row("device", report.device)
    out.print(Text.assemble((report.id, "bold cyan"), f" · {report.policy} actions · seed {report.seed} · {report.prng} keys"))
    out.print(rows)
