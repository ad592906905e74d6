"""A rollout as one kernel: what must be found out step by step, and what XLA works out afterwards for all steps at once.

Only states depend on the step before. The kernel plays, and writes down actions, rewards and flags, with the observation if it is
small. A large observation is a function of the state, which the kernel then writes down instead, and which XLA turns into
observations in one elementwise pass. What else ``info`` holds is worked out from states and actions, and only if it is used.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun  # pyright: ignore[reportPrivateImportUsage] - see scalar.trace

from jaxenv import _jax_compat
from jaxenv.engine import scan, select
from jaxenv.engine.cuda import launch
from jaxenv.engine.cuda.launch import KernelRefusedError
from jaxenv.engine.cuda.loop import Array as Operand
from jaxenv.engine.cuda.loop import Loop as KernelLoop
from jaxenv.engine.cuda.loop import Source
from jaxenv.engine.cuda.warp import products
from jaxenv.engine.deferred import deferred
from jaxenv.engine.operation import as_words, flattened, from_words
from jaxenv.engine.plan import Loop, Plan, RolloutInputs, times
from jaxenv.engine.scalar import Leaf, UnsupportedError
from jaxenv.engine.scalar.program import Derived, Register
from jaxenv.engine.scalar.trace import key_words, scalarize_jaxpr
from jaxenv.episodes import FirstEpisode, Trajectory

MOST_AT_ONCE = 2**24
"""Environment steps of one kernel; a longer rollout is a scan over several, so that what nobody asks for takes no memory."""
WIDEST = 32
"""Bytes up to which the kernel writes an observation itself: stores of larger ones by neighbouring threads lie far apart."""
MOST_CARRIED = 256
"""Numbers that a thread carries from step to step, beyond which registers overflow."""

FEW_PRODUCTS = 8_192
"""Multiplications of a network's step up to which a kernel is quicker than XLA, however many environments there are."""
MOST_PRODUCTS = 150_000_000
"""Multiplications of a step of all environments beyond which XLA is quicker, where a network has more than few.

On an H100, CartPole with two hidden layers, ns a step, kernel and scan: 2,048 environments, 64 units 1.2 and 10.1, 128 units 3.6
and 11.1, 256 units 11.3 and 12.9; 65,536 environments, 64 units 0.57 and 1.09.
"""
TOGETHER = ((16_384, 8), (1_536, 4), (768, 2))
"""From how many environments on how many play together in a warp, where there is a network: more than a GPU has warps for."""


class SlowerError(UnsupportedError):
    """A kernel could play, but a scan is quicker; the message says why."""


ROWS = ("action", "reward", "done", "info['terminated']", "info['truncated']")
"""What the kernel writes down of every step, apart from observations or states."""


def play(
    plan: Plan,
    indices: Array,
    loop: Loop | None,
    elapsed: Array | int,
    inputs: RolloutInputs,
    num_steps: int,
    where: select.Where,
    states: bool,
) -> tuple[Loop, Trajectory]:
    """Play as :func:`jaxenv.engine.scan.play` does, in one kernel.

    Args:
        plan: what to play.
        indices: the numbers of the environments.
        loop: where they stand; None begins an episode in each.
        elapsed: the number of steps played before.
        inputs: what all share, and parameters of their own.
        num_steps: how many steps.
        where: where kernels run.
        states: whether the trajectory has states.

    Raises:
        UnsupportedError: the step or the policy can't be a kernel; the message names the reason.
        KernelRefusedError: the compiler refuses it.
    """
    if not plan.observes:
        raise UnsupportedError("a step method of its own")
    pieces = -(-num_steps * len(indices) // MOST_AT_ONCE)
    if pieces == 1:
        return _play(plan, indices, loop, elapsed, inputs, num_steps, where, states)
    if loop is None:
        loop = jax.vmap(plan.begin, in_axes=(0, plan.axes()))(indices, inputs)
    length = -(-num_steps // pieces)

    def go_on(loop: Loop, elapsed: Array, length: int = length) -> tuple[Loop, Trajectory]:
        return _play(plan, indices, loop, elapsed, inputs, length, where, states)

    whole = num_steps // length
    starts = jnp.asarray(elapsed, jnp.uint32) + length * jnp.arange(whole, dtype=jnp.uint32)
    loop, trajectory = jax.lax.scan(go_on, loop, starts)
    trajectory = jax.tree.map(lambda x: x.reshape(whole * length, *x.shape[2:]), trajectory)
    if whole * length < num_steps:
        loop, rest = go_on(loop, jnp.asarray(elapsed, jnp.uint32) + whole * length, num_steps - whole * length)
        trajectory = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), trajectory, rest)
    return loop, trajectory


def episodes(plan: Plan, indices: Array, inputs: RolloutInputs, max_steps: int, where: select.Where) -> FirstEpisode:
    """Play as :func:`jaxenv.engine.scan.episodes` does, in one kernel, whose threads stop when their episodes have ended.

    Raises:
        UnsupportedError: the step or the policy can't be a kernel; the message names the reason.
        KernelRefusedError: the compiler refuses it.
    """
    if not plan.observes:
        raise UnsupportedError("a step method of its own")
    traced, one, begun, stepped, arrays = _taken_apart(plan, indices, None, 0, inputs, max_steps, where)
    loop, constants = _programs(traced, one, begun, stepped, set())
    main = _RolloutCall(traced, loop)
    _require_quick(main)
    return main.results(_words(arrays, constants, loop))[2]


def _bytes(tree: Any) -> int:
    """Return the size of a tree of shapes."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _one(tree: Any) -> Any:
    """Return the shapes of one row of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), tree)


def _like(tree: Any) -> Any:
    """Return the shapes of a tree."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)


@dataclass(frozen=True, eq=False)
class _Function:
    """A function of one environment as its jaxpr; what it closed over are further arguments, so that it holds on to no array."""

    jaxpr: Jaxpr
    shapes: Any
    """Those of its result."""

    def __call__(self, constants: Sequence[Any], *args: Any) -> Any:
        """Call the function, with its constants."""
        leaves = jaxpr_as_fun(ClosedJaxpr(self.jaxpr, list(constants)))(*jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(self.shapes), leaves)

    @property
    def closed_over(self) -> int:
        """How many arrays it closed over."""
        return len(self.jaxpr.constvars)


@dataclass(frozen=True, eq=False)
class _TracedRollout:
    """A rollout taken apart. It holds on to no array: those are in the words that its calls are given."""

    plan: Plan
    num_envs: int
    num_steps: int
    where: select.Where
    arrays: Any
    """Shapes of ``indices, elapsed, (state, carry, accumulator) or None, inputs``, whose leaves come first among the words."""
    begin: _Function
    """``begin(index, inputs) -> key, state, carry, accumulator``."""
    step: _Function
    """``step(key, state, carry, accumulator, time, inputs) -> (state, carry, accumulator), trajectory, state before``."""


def _traced(plan: Plan, inputs: RolloutInputs) -> tuple[ClosedJaxpr, Any, ClosedJaxpr, Any]:
    """Return the jaxprs of the beginning and of a step of one environment, and the shapes of their results."""

    def begin(index: Array, inputs: RolloutInputs) -> Any:
        started = plan.begin(index, inputs)
        return plan.env_key(index, inputs), started.state, started.carry, started.accumulator

    def step(key: Array, state: Any, carry: Any, accumulator: Any, time: Array, inputs: RolloutInputs) -> Any:
        after, now = plan.step(key, time, Loop(plan.observe(state, inputs.params), state, carry, accumulator), inputs)
        return after.state, after.carry, after.accumulator, now._replace(state=None), state

    index = jax.ShapeDtypeStruct((), jnp.uint32)
    begun, begun_shapes = jax.make_jaxpr(begin, return_shape=True)(index, inputs)
    stepped, stepped_shapes = jax.make_jaxpr(step, return_shape=True)(*begun_shapes, index, inputs)
    return begun, begun_shapes, stepped, stepped_shapes


def _taken_apart(
    plan: Plan, indices: Array, start: Loop | None, elapsed: Array | int, inputs: RolloutInputs, num_steps: int, where: select.Where
) -> tuple[_TracedRollout, RolloutInputs, ClosedJaxpr, ClosedJaxpr, Any]:
    """Return a rollout taken apart, shapes of what an environment is given, its beginning and its step, and the arrays."""
    one = _like(inputs._replace(params=_one(inputs.params)) if plan.own_params else inputs)
    begun, begun_shapes, stepped, stepped_shapes = _traced(plan, one)
    started = None if start is None else (start.state, start.carry, start.accumulator)
    arrays = indices, jnp.asarray(elapsed, jnp.uint32), started, inputs
    begin, step = _Function(begun.jaxpr, begun_shapes), _Function(stepped.jaxpr, stepped_shapes)
    return _TracedRollout(plan, len(indices), num_steps, where, _like(arrays), begin, step), one, begun, stepped, arrays


def _require_quick(call: _RolloutCall) -> None:
    """Raise what keeps a kernel from playing, or from being the quickest that plays."""
    if call.better_by_xla:
        each = f"{products(call.loop.step):,} multiplications"
        raise SlowerError(f"matrix products of {each} for each of {call.traced.num_envs:,} environments, which XLA is quicker at")
    if call.traced.where == "cuda":
        launch.compiled(call.loop.kernel(False, call.together)[0], select.required_capability())


def _play(
    plan: Plan,
    indices: Array,
    start: Loop | None,
    elapsed: Array | int,
    inputs: RolloutInputs,
    num_steps: int,
    where: select.Where,
    states: bool,
) -> tuple[Loop, Trajectory]:
    traced, one, begun, stepped, arrays = _taken_apart(plan, indices, start, elapsed, inputs, num_steps, where)
    trajectory = traced.step.shapes[3]
    small = _bytes(trajectory.obs) <= WIDEST
    rows = {*ROWS, "obs"} if small else {*ROWS}
    loop, constants = _programs(traced, one, begun, stepped, rows | ({"before"} if states or not small else set()))
    main, words = _RolloutCall(traced, loop), _words(arrays, constants, loop)
    _require_quick(main)
    *after, found = main.results(words)
    before = found.get("before")

    observe = jax.vmap(plan.observe, in_axes=(0, plan.axes().params))
    obs = found["obs"] if small else jax.vmap(observe, in_axes=(0, None))(before, inputs.params)
    known = {name: found[f"info['{name}']"] for name in ("terminated", "truncated") if name in trajectory.info}
    if "terminated" in known:
        known["discount"] = jnp.where(known["terminated"], jnp.float32(0.0), jnp.float32(1.0))
    missing = {name: shape for name, shape in trajectory.info.items() if name not in known}
    if before is None and missing:  # the same rollout once more, for its states, if what is missing is used
        loop, constants = _programs(traced, one, begun, stepped, {"before"})
        before = _RolloutCall(traced, loop).results(_words(arrays, constants, loop))[-1]["before"]

    def work_out(before: Any, actions: Any, elapsed: Array, indices: Array, inputs: RolloutInputs) -> Any:
        keys = jax.vmap(plan.env_key, in_axes=(0, plan.axes()))(indices, inputs)
        report = jax.vmap(plan.report, in_axes=(0, None, 0, 0, plan.axes()))
        reported = jax.vmap(report, in_axes=(None, 0, 0, 0, None))(keys, times(elapsed, num_steps), before, actions, inputs)
        return {name: reported[name] for name in missing}

    every = jax.tree.map(lambda x: jax.ShapeDtypeStruct((num_steps, len(indices), *x.shape), x.dtype), missing)
    info = known | (deferred(work_out, every, before, found["action"], arrays[1], indices, inputs) if missing else {})
    info = {name: info[name] for name in trajectory.info}
    last = Loop(observe(after[0], inputs.params), *after)
    return last, Trajectory(obs, found["action"], found["reward"], found["done"], info, before if states else None)


def _words(arrays: Any, constants: Sequence[Any], loop: KernelLoop) -> list[Array]:
    """Return what a kernel is called with: the leaves of arrays, constants, and what follows from them."""
    words: list[Array] = [as_words(x) for x in jax.tree.leaves(arrays)]
    for x in constants:
        if isinstance(x, Derived):
            words.append(x.function(*(words[loop.step_sources[argument][1]] for argument in x.arguments)))
        else:
            words.append(as_words(jnp.asarray(x)))
    return words


@dataclass(frozen=True, eq=False)
class _RolloutCall:
    """The call of a kernel that plays a rollout: an ``Operation`` of :mod:`jaxenv._jax_compat`."""

    traced: _TracedRollout
    loop: KernelLoop
    members: int = 0
    """How many rollouts, each with what ``over`` says of its own; 0 for a single one."""
    over: tuple[bool, ...] = ()

    def results(self, words: Sequence[Array]) -> list[Any]:
        """Return states, carries and tallies after the last step, and a dictionary of rows."""
        out = iter(_jax_compat.call(self, *words))
        last, rows = self.traced.step.shapes[:3], self._rows()
        leaves, structure = jax.tree.flatten((last, rows))
        last, rows = jax.tree.unflatten(structure, [from_words(next(out), leaf.dtype) for leaf in leaves])
        return [*last, dict(zip(self._names(), rows, strict=True))]

    def _names(self) -> list[str]:
        written = [leaf.name for leaf in self.loop.step.results[len(self.loop.carry) - self.loop.kept :]]
        return [name for name in _by_name(self.traced.step.shapes) if any(_belongs(leaf, name) for leaf in written)]

    def _rows(self) -> list[Any]:
        """Return the shapes of what is written down of a step, in order."""
        every = _by_name(self.traced.step.shapes)
        return [every[name] for name in self._names()]

    @property
    def shapes(self) -> list[jax.ShapeDtypeStruct]:
        """Shapes and dtypes of the results."""
        lead, envs, steps = ((self.members,) if self.members else ()), self.traced.num_envs, self.traced.num_steps
        changing = len(self.loop.carry) - self.loop.kept
        return [
            jax.ShapeDtypeStruct((*lead, *((envs,) if i < changing else (steps, envs)), *leaf.shape), leaf.dtype)
            for i, leaf in enumerate(self.loop.step.results)
        ]

    def plain(self, *words: Array) -> tuple[Array, ...]:
        """Return the same by a scan."""
        if self.members:
            axes = tuple(0 if over else None for over in self.over)
            return jax.vmap(self._plain, in_axes=axes, axis_size=self.members)(*words)
        return self._plain(*words)

    def _plain(self, *words: Array) -> tuple[Array, ...]:
        traced, axes, names = self.traced, self.traced.plan.axes(), self._names()
        leaves, structure = jax.tree.flatten(traced.arrays)
        unwrapped = [from_words(x, leaf.dtype) for x, leaf in zip(words, leaves, strict=False)]
        indices, elapsed, started, inputs = jax.tree.unflatten(structure, unwrapped)
        split = len(leaves) + traced.begin.closed_over
        of_begin, of_step = words[len(leaves) : split], words[split : split + traced.step.closed_over]
        key, *fresh = jax.vmap(lambda index, inputs: traced.begin(of_begin, index, inputs), in_axes=(0, axes))(indices, inputs)
        one_step = jax.vmap(lambda *args: traced.step(of_step, *args), in_axes=(0, 0, 0, 0, None, axes))

        def step(now: Any, time: Array) -> tuple[Any, Any]:
            results = one_step(key, *now, time, inputs)
            found = _by_name(results)
            return tuple(results[:3]), [found[name] for name in names]

        if traced.plan.first_episode_only:
            last = scan.until_ended(lambda now, time: step(now, time)[0], tuple(fresh), traced.num_steps)
            return tuple(map(as_words, jax.tree.leaves(last)))
        last, rows = jax.lax.scan(step, tuple(fresh if started is None else started), times(elapsed, traced.num_steps))
        return tuple(map(as_words, jax.tree.leaves((last, rows))))

    def lower(self, platform: str, *words: Array) -> Sequence[Array]:
        """Return the results in the way that suits a platform."""
        if (platform == "cuda") != (self.traced.where == "cuda") or self.better_by_xla:
            return self.plain(*words)
        members = self.members or 1
        kernel, used = self._population().kernel(bool(self.members), self.together)
        envs, sizes = self.traced.num_envs * members, [self.traced.num_envs, self.traced.num_steps, members]
        operands = [words[i] for i in used]
        try:
            return select.run(self.traced.where, kernel, sizes, envs, operands, self.shapes)
        except launch.KernelRefusedError as error:
            select.warn(f"A rollout of {self.traced.plan.env.name}", str(error))
            return self.plain(*words)

    @property
    def better_by_xla(self) -> bool:
        """Whether a scan is quicker, because XLA's matrix products are, with tensor cores and many environments at once."""
        each = products(self.loop.step)
        return each > FEW_PRODUCTS and each * self.traced.num_envs * (self.members or 1) > MOST_PRODUCTS

    @property
    def together(self) -> int:
        """How many environments the threads of a warp play together, all of one member; 0 for one a thread."""
        most, envs = self.loop.envs_together, self.traced.num_envs * (self.members or 1)
        together = min(most, next((count for enough, count in TOGETHER if envs >= enough), 1))
        while together > 1 and self.members and self.traced.num_envs % together:
            together //= 2
        return together

    def _population(self) -> KernelLoop:
        if not self.members:
            return self.loop
        arrays = tuple(dataclasses.replace(a, by_member=over) for a, over in zip(self.loop.arrays, self.over, strict=True))
        return dataclasses.replace(self.loop, arrays=arrays)

    def batch(self, size: int, axes: Sequence[int | None], *words: Array) -> tuple[Sequence[Array], Sequence[int]]:
        """Return the results for a population: one kernel that plays all members."""
        front = [x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(words, axes, strict=True)]
        over = tuple(axis is not None for axis in axes)
        if not self.members:
            call = dataclasses.replace(self, members=size, over=over)
            return _jax_compat.call(call, *front), (0,) * len(self.shapes)
        every = tuple(a or b for a, b in zip(over, self.over, strict=True))
        flat = [flattened(x, size, self.members, outer, inner) for x, outer, inner in zip(front, over, self.over, strict=True)]
        out = _jax_compat.call(dataclasses.replace(self, members=size * self.members, over=every), *flat)
        return [x.reshape(size, self.members, *x.shape[1:]) for x in out], (0,) * len(out)


def _by_name(results: Any) -> dict[str, Any]:
    """Return what a step gives, by name, but for what is carried on; in the order of its leaves."""
    *_, now, before = results
    found = {"obs": now.obs, "action": now.action, "reward": now.reward, "done": now.done}
    return found | {f"info['{name}']": now.info[name] for name in sorted(now.info)} | {"before": before}


def _belongs(leaf: str, name: str) -> bool:
    """Whether a leaf of a program's results is one of a result."""
    return leaf == name or (leaf.startswith(name) and leaf[len(name)] in ".[")


def _programs(
    traced: _TracedRollout, one: RolloutInputs, begun: ClosedJaxpr, stepped: ClosedJaxpr, rows: set[str]
) -> tuple[KernelLoop, list[Any]]:
    """Take a rollout apart; return its loop, and the constants that come last among its words. Raises UnsupportedError.

    Args:
        traced: the rollout.
        one: shapes of what an environment is given.
        begun: how an episode begins.
        stepped: a step.
        rows: what to write down of every step.
    """
    index, names_given = jax.ShapeDtypeStruct((), jnp.uint32), ("params", "key", "policy_params", "initial_carry")
    carried = "env_key", "state", "carry", "accumulator"
    begin = scalarize_jaxpr(begun, (index, *one), traced.begin.shapes, names=("index", *names_given), results=carried)
    last, now, before = traced.step.shapes[:3], traced.step.shapes[3], traced.step.shapes[4]
    wanted = {*carried, *rows}
    step = scalarize_jaxpr(
        stepped,
        (*traced.begin.shapes, index, *one),
        (*last, *now[:4], now.info, before),
        names=(*carried, "time", *names_given),
        results=(*carried[1:], "obs", "action", "reward", "done", "info", "before"),
        carried=carried,
        wanted=lambda name: any(_belongs(name, want) for want in wanted),
        vectors=True,
    )
    vectors = sum(x.size for outputs in step.outputs for x in outputs[:1] if isinstance(x, Register))
    numbers = sum(leaf.size for leaf in begin.results) - vectors
    if numbers > MOST_CARRIED:
        raise UnsupportedError(f"a state and a policy's carry of {numbers} numbers")

    # The words: index, elapsed, what is carried if the rollout goes on, what is given, what both functions closed over, and what
    # functions within them did.
    constants: list[Any] = [*begun.consts, *stepped.consts]
    for constant in (*begin.constants, *step.constants):
        if not any(constant is x for x in constants):
            constants.append(constant)
    carry, kept = begin.results, 1
    goes_on = traced.arrays[2] is not None
    started = carry[kept:] if goes_on else ()
    of_params = len(jax.tree.leaves(one.params)) if traced.plan.own_params else 0
    of_given = begin.arguments[1 : 1 + len(jax.tree.leaves(one))]
    elapsed = Leaf("elapsed", (), np.dtype(np.uint32))
    arrays = [
        Operand(begin.arguments[0], by_env=True),
        Operand(elapsed, by_env=False),
        *(Operand(Leaf(f"first_{leaf.name}", leaf.shape, leaf.dtype), by_env=True) for leaf in started),
        *(Operand(leaf, by_env=i < of_params) for i, leaf in enumerate(of_given)),
        *(Operand(_leaf_of(f"constant{i}", x), by_env=False) for i, x in enumerate(constants)),
    ]
    first_given = 2 + len(started)
    first_constant = first_given + len(of_given)
    given_sources = _arrays(first_given + i for i in range(len(of_given)))
    places = {id(x): first_constant + i for i, x in enumerate(constants)}
    of_begin, of_step = (_arrays(places[id(x)] for x in program.constants) for program in (begin, step))
    loop = KernelLoop(
        arrays=tuple(arrays),
        carry=carry,
        elapsed=1,
        begin=dataclasses.replace(begin.only(range(kept)) if goes_on else begin, constants=()),
        begin_sources=(("array", 0), *given_sources, *of_begin),
        first=2,
        step=dataclasses.replace(step, constants=()),
        step_sources=(*(("carry", i) for i in range(len(carry))), ("time", 0), *given_sources, *of_step),
        until=next(i for i, leaf in enumerate(carry) if leaf.name == "accumulator.running")
        if traced.plan.first_episode_only
        else None,
        kept=kept,
    )
    return loop, constants


def _arrays(numbers: Iterable[int]) -> list[Source]:
    return [("array", number) for number in numbers]


def _leaf_of(name: str, array: Any) -> Leaf:
    if isinstance(array, Derived):
        return Leaf(name, array.shape, array.dtype)
    words = key_words(array)
    return Leaf(name, (*np.shape(array), words) if words else np.shape(array), np.dtype(np.uint32 if words else array.dtype))


__all__ = ["KernelRefusedError", "SlowerError", "UnsupportedError", "episodes", "play"]
