"""Playing environments in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxenv import _canonical, ranges
from jaxenv._policies import require_environment, require_policy
from jaxenv._sizes import is_size, whole
from jaxenv.engine import scan, select
from jaxenv.engine.plan import Loop, Plan, Policy, RolloutInputs
from jaxenv.environment import Environment
from jaxenv.episodes import EpisodeAccumulator, EpisodeStatistics, Trajectory, summary
from jaxenv.errors import RolloutArgumentError, RolloutFusedError, RolloutMeshError, RolloutParamsError, RolloutStateError
from jaxenv.errors.formatting import described


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
    """The states after the last step, with a leading axis ``[num_envs]``; ``rollout(..., state=...)`` goes on from them."""
    carry: Any
    """The policy's carries after the last step, with a leading axis ``[num_envs]``; None for a policy without one."""
    executor: str = struct.field(pytree_node=False, default="scan")
    """What played: ``"kernel"`` or ``"scan"``."""
    reason: str = struct.field(pytree_node=False, default="")
    """Why a scan played; empty if a kernel did."""


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
    state: Any = None,
    carry: Any = None,
    params_axis: int | None = None,
    keep_states: bool = False,
    unroll: int | None = None,
    fused: bool | None = None,
    mesh: Mesh | None = None,
) -> Rollout:
    """Play ``num_envs`` environments for ``num_steps`` steps each, with automatic resets.

    The policy sees one environment and is called with what it needs, in this order:
    ``policy([policy_params,] [carry,] obs, key)``. It returns an action, and with a carry ``(carry, action)``.
    The carry goes back to ``initial_carry`` whenever an episode ends.

    A rollout is compiled once for each environment, policy, sizes and options, and policies are compared as Python objects. So a
    lambda, a ``functools.partial`` or a function that each call defines again is compiled again each time. Define the policy
    once, outside of the loop that calls ``rollout``, and pass what changes as ``policy_params``.

    Args:
        env: the environment.
        params: its parameters, shared by all environments; None means ``env.default_params``.
        policy: the policy; None plays uniformly random actions from the action space.
        key: a typed or raw key. Environment ``i`` of the batch plays the same trajectory whatever ``num_envs`` is, up to the
            rounding of floats.
        num_envs: environments in the batch.
        num_steps: steps for each.
        policy_params: passed to the policy if not None.
        initial_carry: the carry of one environment at the start of an episode; makes the policy recurrent if not None.
        state: states to begin with, leaves ``[num_envs, ...]``, such as the ``state`` of an earlier result; None resets the
            environments. Give a new key, and with a recurrent policy ``carry``. Statistics count from here on.
        carry: carries to begin with, leaves ``[num_envs, ...]``; None means ``initial_carry``.
        params_axis: 0 if every environment has parameters of its own, leaves ``[num_envs, ...]``; None if all share one set.
        keep_states: whether ``trajectory.state`` has the state that each step began with.
        unroll: steps in one iteration of a scan; None means what :data:`jaxenv.engine.scan.UNROLL` has for the backend, and lets
            a kernel play.
        fused: whether one kernel plays all steps on a GPU, instead of a scan that launches several for each. None means wherever
            that can be done: see :mod:`jaxenv.engine.select`. Integers and flags are the same either way; floats up to rounding,
            which an environment's feedback can amplify from step to step. False always scans. True refuses to scan.
        mesh: devices to spread the environments over, equally, along all of its axes; None plays on one device. The
            trajectories are the same on any mesh, floats up to rounding; leaves of the result are sharded along their ``num_envs``
            axis. With ``jax.distributed`` every process calls this with the same arguments.

    Returns:
        A :class:`Rollout`. Wrap the call in ``jax.jit`` and return only what you need: the rest is not computed.

    Raises:
        RolloutArgumentError: a size is not a positive integer, or ``mesh`` is no mesh.
        KeyTypeError: ``key`` is not a key.
        BatchError: ``key`` is a batch of keys.
        RolloutStateError: ``state`` or ``carry`` has no leading axis ``[num_envs]``, or the environment can't begin with a state.
        RolloutEnvironmentError: ``env`` is no environment, or a batch of them.
        RangeError: a parameter whose value is known is outside of its range.
        RolloutPolicyError: the policy takes other arguments than it is called with, or returns something else.
        RolloutParamsError: ``params_axis`` is 0, and a leaf of ``params`` has no leading axis ``[num_envs]``.
        RolloutFusedError: ``fused`` is True, and no kernel can be had.
        RolloutMeshError: ``num_envs`` is not a multiple of the number of devices.

    >>> import jax, jaxenv
    >>> env, params = jaxenv.make("CartPole-v1")
    >>> result = jaxenv.rollout(env, params, None, jax.random.key(0), num_envs=64, num_steps=100)
    >>> result.trajectory.obs.shape
    (100, 64, 4)
    """
    sizes: list[Any] = [whole(size) for size in (num_envs, num_steps, scan.default_unroll() if unroll is None else unroll)]
    for name, size in zip(("num_envs", "num_steps", "unroll"), sizes, strict=True):
        if not is_size(size):
            raise RolloutArgumentError(name, size)
    require_environment(env)
    require_policy(policy)
    key = _canonical.key(key, "jax.vmap(lambda key: jaxenv.rollout(env, params, policy, key, num_envs=..., num_steps=...))(keys)")
    if not isinstance(cast("object", mesh), Mesh | None):
        raise RolloutArgumentError("mesh", mesh, "must be a jax.sharding.Mesh or None")
    choice = ExecutorChoice.of(fused if unroll is None or fused else False, key, mesh)
    if params_axis not in (None, 0):
        raise RolloutArgumentError("params_axis", params_axis, "must be 0 or None")
    if params is not None:
        ranges.check_tree(env.name, params)
    lifted = env._lifted_params(params)
    if params_axis == 0:
        for path, leaf in jax.tree_util.tree_leaves_with_path(lifted):
            if jnp.shape(leaf)[:1] != (sizes[0],):
                raise RolloutParamsError(sizes[0], f"params{jax.tree_util.keystr(path)}", described(jnp.asarray(leaf)))
    inputs: Any = lifted, key, policy_params, initial_carry
    for name, batch in (("state", state), ("carry", carry)):
        if any(jnp.shape(leaf)[:1] != (sizes[0],) for leaf in jax.tree.leaves(batch)):
            raise RolloutStateError(env.name, name, sizes[0])
    if mesh is not None and not mesh.is_multi_process:
        inputs = jax.device_put(inputs, NamedSharding(mesh, PartitionSpec()))
    plan = Plan(env.without_overrides, policy, own_params=params_axis == 0)
    return _rollout(plan, *sizes, keep_states, choice, mesh, RolloutInputs(*inputs), state, carry)


@dataclass(frozen=True)
class ExecutorChoice:
    """Which executor is to play."""

    where: select.Where | None
    """Where a kernel plays; None for a scan."""
    reason: str
    """Why a scan plays."""
    required: bool
    """Whether it is an error if a kernel can't play."""

    @classmethod
    def of(cls, fused: bool | None, key: Array, mesh: Mesh | None = None) -> ExecutorChoice:
        """Return what :func:`rollout`'s ``fused`` means where it is called."""
        if fused is False:
            return cls(None, "fused=False, or unroll", required=False)
        platform = select.platform_of(key) if mesh is None else mesh.devices.flat[0].platform
        where, reason = select.kernels_on(platform)
        if where is None and not fused and platform in ("gpu", "cuda") and select.setting() != "scan":
            select.warn("A rollout", reason)
        return cls(where, reason, required=bool(fused))


@partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5, 6))
def _rollout(
    plan: Plan,
    num_envs: int,
    num_steps: int,
    unroll: int,
    keep_states: bool,
    choice: ExecutorChoice,
    mesh: Mesh | None,
    inputs: RolloutInputs,
    state: Any,
    carry: Any,
) -> Rollout:
    runner = RolloutRunner(plan, num_envs, unroll, inputs, choice, mesh, keep_states)
    loop = None if state is None else runner.begin_with(state, carry)
    loop, trajectory = runner.play(loop, 0, num_steps)
    return Rollout(trajectory, summary(loop.accumulator), loop.obs, loop.state, loop.carry, runner.executor, runner.reason)


class RolloutRunner:
    """A rollout that can be played in pieces, of any lengths: they give what one call gives.

    Args:
        plan: what to play.
        num_envs: environments in the batch.
        unroll: steps in one iteration of a scan.
        inputs: what all share, and parameters of their own.
        choice: which executor is to play.
        mesh: devices to spread the environments over.
        keep_states: whether trajectories have states.
    """

    def __init__(
        self,
        plan: Plan,
        num_envs: int,
        unroll: int,
        inputs: RolloutInputs,
        choice: ExecutorChoice,
        mesh: Mesh | None = None,
        keep_states: bool = False,
    ) -> None:
        if mesh is not None and num_envs % mesh.size:
            raise RolloutMeshError(num_envs, mesh.size)
        self.plan, self.unroll, self.inputs, self.choice = plan, unroll, jax.tree.map(jnp.asarray, inputs), choice
        self.mesh, self.keep_states = mesh, keep_states
        self.indices = jnp.arange(num_envs, dtype=jnp.uint32)
        self.executor, self.reason = "scan", choice.reason
        axes = mesh.axis_names if mesh else ()
        self._everywhere, self._by_env, self._by_step_and_env = PartitionSpec(), PartitionSpec(axes), PartitionSpec(None, axes)
        own: Any = self._by_env if plan.own_params else self._everywhere
        self._input_specs: Any = RolloutInputs(own, self._everywhere, self._everywhere, self._everywhere)  # pyright: ignore[reportArgumentType]

    def begin(self) -> Loop:
        """Reset the environments."""
        function = self._spread(partial(scan.begin, self.plan), (self._by_env, self._input_specs), self._by_env)
        return function(self.indices, self.inputs)

    def begin_with(self, state: Any, carry: Any) -> Loop:
        """Begin with given states and carries; None for carries means the initial one."""
        plan, inputs, num_envs = self.plan, self.inputs, len(self.indices)
        if not plan.observes:
            raise RolloutStateError(plan.env.name, "state", None)

        def every(leaf: Any) -> Array:
            return jnp.broadcast_to(leaf, (num_envs, *jnp.shape(leaf)))

        obs = jax.vmap(plan.observe, in_axes=(0, plan.axes().params))(state, inputs.params)
        started = jax.tree.map(every, inputs.initial_carry) if carry is None else carry
        return Loop(obs, state, started, jax.tree.map(every, EpisodeAccumulator.empty()))

    def play(self, loop: Loop | None, elapsed: Array | int, num_steps: int) -> tuple[Loop, Trajectory]:
        """Go on from where ``elapsed`` steps led; without a loop, begin."""

        def play_some(indices: Array, loop: Loop | None, elapsed: Array, inputs: RolloutInputs) -> tuple[Loop, Trajectory]:
            return self._play(indices, loop, elapsed, inputs, num_steps)

        specs = (self._by_env, self._by_env, self._everywhere, self._input_specs)
        function = self._spread(play_some, specs, (self._by_env, self._by_step_and_env))
        return function(self.indices, loop, jnp.asarray(elapsed, jnp.uint32), self.inputs)

    def _play(
        self, indices: Array, loop: Loop | None, elapsed: Array, inputs: RolloutInputs, num_steps: int
    ) -> tuple[Loop, Trajectory]:
        plan, choice = self.plan, self.choice
        if choice.where is not None:
            from jaxenv.engine import rollout as kernel

            try:
                played = kernel.play(plan, indices, loop, elapsed, inputs, num_steps, choice.where, self.keep_states)
            except (NotImplementedError, kernel.KernelRefusedError) as error:
                self.reason = str(error)
                if not choice.required and not isinstance(error, kernel.SlowerError):
                    select.warn(f"A rollout of {plan.env.name}", self.reason)
            else:
                self.executor, self.reason = "kernel", ""
                return played
        if choice.required:
            raise RolloutFusedError(plan.env.name, self.reason)
        loop, trajectory = scan.play(plan, indices, loop, elapsed, inputs, num_steps, self.unroll)
        return loop, trajectory if self.keep_states else trajectory._replace(state=None)

    def _spread(self, function: Callable[..., Any], in_specs: Any, out_specs: Any) -> Callable[..., Any]:
        """Let each device of the mesh run ``function`` on its share."""
        if self.mesh is None:
            return function
        return jax.shard_map(function, mesh=self.mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)
