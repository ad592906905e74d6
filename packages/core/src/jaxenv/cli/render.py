"""``jaxenv render ID FILE``: let a policy play, and write a film of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jaxenv.cli.memory import check_fits, size_of
from jaxenv.cli.objects import load_policy
from jaxenv.cli.options import LARGEST, EnvId, PolicyName, Seed, Settings, built, finite
from jaxenv.cli.output import console

MOST_ENVS = 96 * 96
"""Pictures of 8 pixels that fit side by side into a film."""


def render(
    env_id: EnvId,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .gif, .mp4, .html or .png (the last frame).")],
    policy: PolicyName = "random",
    steps: Annotated[int, typer.Option(min=1, max=LARGEST - 1, help="Steps to play; episodes follow one another.")] = 200,
    num_envs: Annotated[int, typer.Option(min=1, max=MOST_ENVS, help="Copies of the environment, side by side.")] = 1,
    seed: Seed = 0,
    settings: Settings = None,
    size: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Height and width of each copy's picture.  [default: 256, less for many]")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=1000.0, callback=finite, help="Frames a second.")] = 30.0,
) -> None:
    """Play an environment and write a film of it."""
    from jaxenv.visualize import Visualizer
    from jaxenv.visualize.encode import check_writable

    check_writable(path)
    spec, env, params = built(env_id, settings)
    _check_picture(env, params, steps, num_envs, size)
    loaded = {"policy": None} if policy == "random" else load_policy("--policy", policy, spec, env, params)._asdict()
    act = loaded.pop("policy")
    states, returns = record(env, params, act, steps=steps, num_envs=num_envs, seed=seed, **loaded)
    written = Visualizer(env, params, states, returns, size=size).animate(path, fps=fps)
    console().print(f"{written}: {steps + 1:,} frames, {written.stat().st_size:,} bytes", markup=False)


def record(
    env: Any,
    params: Any,
    policy: Any,
    *,
    steps: int,
    num_envs: int,
    seed: int,
    policy_params: Any = None,
    initial_carry: Any = None,
) -> tuple[Any, Any]:
    """Return the states, [steps + 1, num_envs], and the return of the running episode up to each."""
    import jax
    import jax.numpy as jnp

    from jaxenv.engine.plan import Plan, RolloutInputs

    plan = Plan(env, policy)

    # Params are an argument, not a constant of the compiled program: they may hold a whole data set.
    @jax.jit
    def film(key: Any, inputs: RolloutInputs) -> Any:
        def step(loop: Any, key: Any) -> Any:
            obs, carry, state, total = loop
            key_act, key_step = jax.random.split(key)
            carry, action = plan.act(carry, obs, key_act, inputs)
            obs, state, reward, done, _ = env.step(key_step, state, action, inputs.params)
            carry = jax.tree.map(lambda start, now: jnp.where(done, start, now), inputs.initial_carry, carry)
            after = (state, jnp.where(done, 0.0, total + reward))
            return (obs, carry, *after), after

        key_reset, key_steps = jax.random.split(key)
        obs, state = env.reset(key_reset, inputs.params)
        first = (state, jnp.float32(0.0))
        _, rest = jax.lax.scan(step, (obs, inputs.initial_carry, *first), jax.random.split(key_steps, steps))
        return jax.tree.map(lambda start, after: jnp.concatenate([start[None], after]), first, rest)

    keys = jax.random.split(jax.random.key(seed), num_envs)
    inputs = jax.tree.map(jnp.asarray, RolloutInputs(params, keys[0], policy_params, initial_carry))
    return jax.vmap(film, in_axes=(0, None), out_axes=1)(keys, inputs)


def _check_picture(env: Any, params: Any, steps: int, num_envs: int, size: int | None) -> None:
    """Find out, before anything is played, whether the environment can be drawn and its states fit into memory."""
    import jax

    def draw(key: Any, params: Any) -> Any:
        obs, state = env.reset(key, params)
        return obs, state, env.render(state, params, 8 if size is None else size)

    _, state, _ = jax.eval_shape(draw, jax.random.key(0), params)
    check_fits(
        "--steps", steps, num_envs * size_of(state), "each step" if num_envs == 1 else f"each step of {num_envs:,} environments"
    )
