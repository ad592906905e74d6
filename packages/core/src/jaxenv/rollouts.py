"""Playing environments in batches: ``lax.scan`` over steps, ``vmap`` over environments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxenv import random
from jaxenv._policies import carry_and_action, require_arguments, require_environment, require_policy
from jaxenv._sizes import is_size, whole
from jaxenv.environment import Environment, _observation
from jaxenv.episodes import EpisodeStatistics, Tally, Trajectory, summary
from jaxenv.errors import RolloutArgumentError, RolloutFusedError, RolloutMeshError

Policy = Callable[..., Any]
"""A function from what the agent knows to an action; see :func:`rollout` for its arguments."""


@struct.dataclass
class Rollout:
    """The result of :func:`rollout`."""

    trajectory: Trajectory
    """Every step; costs nothing if it is not used and the call is inside ``jax.jit``."""
    statistics: EpisodeStatistics
    """The episodes that ended."""
    obs: Any
    """The observations after the last step, with a leading axis ``[num_envs]``."""
    state: Any
    """The states after the last step, with a leading axis ``[num_envs]``."""
    carry: Any
    """The policy's carries after the last step, with a leading axis ``[num_envs]``; None for a policy without one."""


def rollout(
    env: Environment[Any, Any],
    params: Any,
    policy: Policy | None,
    key: Array,
    *,
    num_envs: int,
    num_steps: int,
    policy_params: Any = None,
    initial_carry: Any = None,
    unroll: int | None = None,
    fused: bool | None = None,
    mesh: Mesh | None = None,
) -> Rollout:
    """Play ``num_envs`` environments for ``num_steps`` steps each, with automatic resets.

    The policy sees one environment and is called with what it needs, in this order:
    ``policy([policy_params,] [carry,] obs, key)``. It returns an action, and with a carry ``(carry, action)``.
    The carry goes back to ``initial_carry`` whenever an episode ends.

    A rollout is compiled once for each environment, policy, sizes and options, and policies are told apart as Python objects. So a
    lambda, a ``functools.partial`` or a function that is defined anew for each call is compiled anew each time. Define the policy
    once, outside of the loop that calls ``rollout``, and pass what changes as ``policy_params``.

    Args:
        env: the environment.
        params: its parameters, shared by all environments; None means ``env.default_params``.
        policy: the policy; None plays uniformly random actions from the action space.
        key: a typed or raw key. Environment ``i`` of the batch plays the same trajectory whatever ``num_envs`` is.
        num_envs: environments in the batch.
        num_steps: steps for each.
        policy_params: passed to the policy if not None.
        initial_carry: the carry of one environment at the start of an episode; makes the policy recurrent if not None.
        unroll: steps in one iteration of the scan; None means what :data:`UNROLL` has for the backend.
        fused: whether one kernel plays all steps on a GPU, instead of a scan that launches several kernels for each. None means
            wherever that can be done: on a GPU, unless ``unroll`` is given or the step or the policy is more than arithmetic on a
            few scalars (a network, say), or JAX lacks Pallas's Triton, which it has deprecated. Integers and flags are the same
            either way, floats up to rounding. False always scans, should a GPU's compiler refuse a kernel. On other backends True
            interprets the kernel, which is slow: for tests.
        mesh: devices to spread the environments over, equally, along all of its axes; None plays on one device. The
            trajectories are the same on any mesh; leaves of the result are sharded along their ``num_envs`` axis. With
            ``jax.distributed`` every process calls this with the same arguments.

    Returns:
        A :class:`Rollout`. Wrap the call in ``jax.jit`` and return only what you need: the rest is not computed.

    Raises:
        RolloutArgumentError: a size is not a positive integer.
        RolloutEnvironmentError: ``env`` is no environment, or a batch of them.
        RolloutPolicyError: the policy takes other arguments than it is called with, or returns something else.
        RolloutFusedError: ``fused`` is True, and the step or the policy can't be fused.
        RolloutMeshError: ``num_envs`` is not a multiple of the number of devices.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> result = jaxenv.rollout(env, params, None, jax.random.key(0), num_envs=64, num_steps=100)
    >>> result.trajectory.obs.shape
    (100, 64, 4)
    """
    fusing = Fusing.choose(fused if unroll is None or fused else False, key, mesh)
    unroll = default_unroll() if unroll is None else unroll
    num_envs, num_steps, unroll = map(whole, (num_envs, num_steps, unroll))
    for name, size in {"num_envs": num_envs, "num_steps": num_steps, "unroll": unroll}.items():
        if not is_size(size):
            raise RolloutArgumentError(name, size)
    require_environment(env)
    require_policy(policy)
    given = (env.default_params if params is None else params, key, policy_params, initial_carry)
    if mesh is not None and not mesh.is_multi_process:
        given = jax.device_put(given, NamedSharding(mesh, PartitionSpec()))
    return _rollout(env, policy, num_envs, num_steps, unroll, fusing, mesh, *given)


class Fusing(NamedTuple):
    """That a rollout is to be played by one kernel."""

    required: bool
    """Whether it is an error if that can't be done; else a scan plays."""
    interpret: bool
    """Whether Pallas only pretends."""

    @classmethod
    def choose(cls, fused: bool | None, key: Array, mesh: Mesh | None = None) -> Fusing | None:
        """Return what :func:`rollout`'s ``fused`` means where it is called; None for a scan."""
        if mesh is not None:
            platform = mesh.devices.flat[0].platform
        elif isinstance(key, Tracer):
            device: Any = jax.config.values["jax_default_device"]
            platform = getattr(device, "platform", device) or jax.default_backend()
        else:
            platform = next(iter(key.devices())).platform
        on_gpu = platform in ("gpu", "cuda")
        return cls(bool(fused), not on_gpu) if fused or (fused is None and on_gpu) else None

    def play(self, env: Environment[Any, Any], *args: Any) -> tuple[Loop, Trajectory] | None:
        """Return what :func:`jaxenv.fused.play.play` does; None for a scan."""
        try:
            from jaxenv.fused.play import play  # Pallas takes long to import, and not every JAX has it

            return play(env, *args, interpret=self.interpret)
        except (ImportError, NotImplementedError) as error:
            if self.required:
                raise RolloutFusedError(env.name, str(error)) from error
        return None


UNROLL = {"cpu": 1, "gpu": 2}
"""Steps in one iteration of the scan, by backend.

On an H100 with 2,000 environments, two steps in an iteration made Catch 1.2 and FourRooms 1.6 times as fast as one, at 1.3
times the compile time; CartPole and Breakout stayed as they were. Four made Breakout 1.3 times as fast, at 3.7 times the
compile time.
"""


def default_unroll() -> int:
    """Return the unrolling for JAX's default backend."""
    return UNROLL.get(jax.default_backend(), 1)


LATER = 4096
"""The largest observation, in bytes, that is made for all steps at once: what is needed on the way is then in memory for all."""


@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5, 6))
def _rollout(
    env: Environment[Any, Any],
    policy: Policy | None,
    num_envs: int,
    num_steps: int,
    unroll: int,
    fusing: Fusing | None,
    mesh: Mesh | None,
    params: Any,
    key: Array,
    policy_params: Any,
    initial_carry: Any,
) -> Rollout:
    _, play = playing(env, policy, num_envs, unroll, params, key, policy_params, initial_carry, fusing, mesh)
    (obs, state, carry, tally), trajectory = play(None, 0, num_steps)
    return Rollout(trajectory, summary(tally), obs, state, carry)


Loop = tuple[Any, Any, Any, Tally]
"""What goes from step to step: observations, states, policy carries and tallies, with a leading axis ``[num_envs]``."""


def playing(
    env: Environment[Any, Any],
    policy: Policy | None,
    num_envs: int,
    unroll: int,
    params: Any,
    key: Array,
    policy_params: Any = None,
    initial_carry: Any = None,
    fusing: Fusing | None = None,
    mesh: Mesh | None = None,
) -> tuple[Callable[[], Loop], Callable[[Loop | None, Array | int, int], tuple[Loop, Trajectory]]]:
    """Return the two halves of a rollout, so that a long one can be played in pieces.

    ``begin()`` resets the environments; ``play(loop, elapsed, num_steps)`` goes on from where ``elapsed`` steps led, or without a
    loop begins by itself. Pieces of any length give what one call gives.
    """
    if mesh is not None and num_envs % mesh.size:
        raise RolloutMeshError(num_envs, mesh.size)
    indices = jnp.arange(num_envs, dtype=jnp.uint32)
    shared = params, key, policy_params, initial_carry

    def begin_one(index: Array, loop: Loop | None, shared: Any) -> tuple[Array, Loop]:
        params, key, _, initial_carry = shared
        key = random.fold_in(key, index)
        if loop is None:
            obs, state = env.reset(_keys_at(key, jnp.uint32(0))[1], params)
            loop = obs, state, initial_carry, Tally.empty()
        return key, loop

    def begin_some(indices: Array, shared: Any) -> Loop:
        return jax.vmap(lambda index: begin_one(index, None, shared)[1])(indices)

    def play_some(fusing: Fusing | None, indices: Array, loop: Loop | None, times: Array, shared: Any) -> tuple[Loop, Trajectory]:
        params, _, policy_params, initial_carry = shared
        act = _acting(env, params, policy, policy_params, initial_carry is not None)

        def step_env(key: Array, time: Array, state: Any, action: Any) -> Any:
            return env.step_env(_keys_at(key, time)[1], state, action, params)

        def one_step(key: Array, time: Array, loop: Loop) -> tuple[Loop, Trajectory]:
            obs, state, carry, tally = loop
            key_act, key_step = _keys_at(key, time)
            next_carry, action = act(carry, obs, key_act)
            next_obs, state, reward, done, info = env.step(key_step, state, action, params)
            next_carry = jax.tree.map(lambda start, now: jnp.where(done, start, now), initial_carry, next_carry)
            return (next_obs, state, next_carry, tally.add(reward, done)), Trajectory(obs, action, reward, done, info)

        if fusing:
            begin = lambda inputs: begin_one(inputs[0], inputs[1], shared)  # noqa: E731
            played = fusing.play(env, params, one_step, step_env, begin, (indices, loop), times)
            if played is not None:
                return played
        keys, loop = jax.vmap(begin_one, in_axes=(0, 0, None))(indices, loop, shared)
        step = jax.vmap(one_step, in_axes=(0, None, 0))
        if type(env).step is not Environment.step:
            return jax.lax.scan(lambda loop, time: step(keys, time, loop), loop, times, unroll=unroll)
        # Observations are made from the states where they are used: large ones are dear to carry from step to step. Where no policy
        # looks at them, those that are larger than their states are made for all steps at once, into memory that no scan clears.
        observe = jax.vmap(lambda state: _observation(env, state, params))
        later = policy is None and _bytes(loop[1]) < _bytes(loop[0]) <= LATER * len(indices)

        def scan_step(rest: Any, time: Array) -> tuple[Any, Trajectory]:
            (_, *after), now = step(keys, time, (observe(rest[0]), *rest))
            return tuple(after), now._replace(obs=rest[0]) if later else now

        rest, trajectory = jax.lax.scan(scan_step, tuple(loop[1:]), times, unroll=unroll)
        if later:
            trajectory = trajectory._replace(obs=jax.vmap(observe)(trajectory.obs))
        return (observe(rest[0]), *rest), trajectory

    scan_some = play_either = partial(play_some, None)
    if fusing:  # a kernel has no derivatives: those of the scan that it stands for are taken instead
        play_either = jax.custom_jvp(partial(play_some, fusing))
        play_either.defjvp(lambda *given: jax.jvp(scan_some, *given))
    axes = mesh.axis_names if mesh else ()
    everywhere, by_env, by_step_and_env = PartitionSpec(), PartitionSpec(axes), PartitionSpec(None, axes)
    begin_all = _spread(begin_some, mesh, (by_env, everywhere), by_env)
    play_all = _spread(play_either, mesh, (by_env, by_env, everywhere, everywhere), (by_env, by_step_and_env))

    def play(loop: Loop | None, elapsed: Array | int, num_steps: int) -> tuple[Loop, Trajectory]:
        times = jnp.arange(1, num_steps + 1, dtype=jnp.uint32) + jnp.asarray(elapsed, jnp.uint32)
        return play_all(indices, loop, times, shared)

    return lambda: begin_all(indices, shared), play


def _keys_at(key: Array, time: Array) -> tuple[Array, Array]:
    """Return the keys of an environment's action and step at a time, from the environment's own; time 0 is the first reset."""
    return random.lane(key, 2 * time), random.lane(key, 2 * time + 1)


def _bytes(tree: Any) -> int:
    """Return the size of a tree of arrays."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _spread(function: Callable[..., Any], mesh: Mesh | None, in_specs: Any, out_specs: Any) -> Callable[..., Any]:
    """Let each device of the mesh run ``function`` on its share."""
    if mesh is None:
        return function
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)


def _acting(
    env: Environment[Any, Any], params: Any, policy: Policy | None, policy_params: Any, recurrent: bool
) -> Callable[[Any, Any, Array], tuple[Any, Any]]:
    """Return ``(carry, obs, key) -> (carry, action)`` for any of the forms that a policy may have."""
    if policy is None:
        space = env.action_space(params)
        return lambda carry, obs, key: (carry, space.sample(key))
    given = () if policy_params is None else (policy_params,)
    takes = [*(["policy_params"] if given else []), *(["carry"] if recurrent else []), "obs", "key"]
    require_arguments(policy, takes)
    if recurrent:
        return lambda carry, obs, key: carry_and_action(policy, policy(*given, carry, obs, key))
    return lambda carry, obs, key: (carry, policy(*given, obs, key))
