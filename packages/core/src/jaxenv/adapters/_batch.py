"""A batch of environments that is stepped from Python: what the adapters of such loops share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from jaxenv import _canonical, _sizes, checking, ranges
from jaxenv.adapters._flat import Layout
from jaxenv.adapters._program import FEW, Resets, Step, packed, program, repeated, seed_words, unpacked
from jaxenv.environment import Environment
from jaxenv.errors import AdapterArgumentError, EnvironmentTypeError, SharedStatisticsError
from jaxenv.registry import EnvSpec, make


def build(env: Any, params: Any, wrap: Any, overrides: dict[str, Any]) -> tuple[Environment[Any, Any], Any]:
    """Return the environment and the params that an adapter was given, as an id or as they are.

    Raises:
        AdapterArgumentError: an override does not fit the id. (Not a TypeError: ``gymnasium.make`` builds those anew.)
        EnvironmentTypeError: it is no environment.
    """
    if isinstance(env, str | EnvSpec):
        try:
            env = make(env, **overrides)[0]
        except TypeError as error:
            raise AdapterArgumentError(str(error)) from error
    elif not isinstance(env, Environment):
        raise EnvironmentTypeError("an adapter", env)
    elif overrides:
        env = cast("Environment[Any, Any]", env).replace(**overrides)
    if wrap is not None:
        env = _wrapped(env, wrap)
    given = env.default_params if params is None else params
    ranges.check_tree(env.name, given)
    return env, given


def _wrapped(env: Any, wrap: Any) -> Any:
    if not callable(wrap):
        action = "Pass a function from an environment to a wrapped one, such as a wrapper's class"
        raise AdapterArgumentError.of("wrap", wrap, "a function", action)
    wrapped = wrap(env)
    if not isinstance(wrapped, Environment):
        raise AdapterArgumentError.of("what wrap returned", wrapped, "an environment", "Return the wrapped environment from wrap")
    return cast("Any", wrapped)


def checked_seed(given: Any) -> int:
    """Return a seed as an int; refuse what is no integer from 0."""
    seed = _sizes.whole(given)
    if not _sizes.is_size(seed, 0):
        raise AdapterArgumentError.of("seed", given, "an integer from 0", "Pass one, or None")
    return seed


class Batch:
    """Environments of one kind, and where they stand.

    Args:
        env: the environment.
        params: its parameters, shared by all.
        num_envs: how many there are.
        resets: when they are reset.
        on_device: whether results are arrays of JAX, instead of NumPy.
        copy: whether arrays of NumPy are copies, which may be written into.
    """

    def __init__(
        self,
        env: Environment[Any, Any],
        params: Any,
        num_envs: int,
        resets: Resets,
        on_device: bool = False,
        copy: bool = False,
    ) -> None:
        _require_apart(env)
        self.env, self.num_envs, self._resets, self._on_device, self._copy = env, num_envs, resets, on_device, copy
        self._keys: Any = None
        self._buffers: Any = None
        self.set_params(params)

    def set_params(self, params: Any) -> None:
        """Play with other parameters from now on."""
        bare = self.env.without_overrides
        lifted = _canonical.params(bare.lift(self.env._lifted_params(params)), bare)
        layout = Layout.of(jax.tree.map(jnp.asarray, lifted))
        self.params, self._packed_params = params, packed(layout, lifted)
        self._program = program(bare, self.num_envs, self._resets, self._on_device, layout)
        self._step_params = repeated(self._packed_params) if self._program.looped else self._packed_params

    @property
    def begun(self) -> bool:
        """Whether there are episodes yet."""
        return self._buffers is not None

    def seed(self, seeds: Sequence[int]) -> None:
        """Begin anew: all that follows depends on the seeds alone."""
        self._keys, self._buffers, self._step = self._run(self._program.seed, seed_words(seeds), self._packed_params)

    def reset(self, chosen: np.ndarray | None = None, seeds: Sequence[int | None] | None = None) -> None:
        """Begin the next episode in chosen environments, bool[num_envs] (None for all), of which some may have new seeds."""
        mask = np.ones(self.num_envs, np.bool_) if chosen is None else chosen
        words = seeded = None
        if seeds is not None:
            words = seed_words([seed or 0 for seed in seeds])
            seeded = np.array([seed is not None for seed in seeds]) & mask
        args = self._keys, self._buffers, mask, words, seeded, self._packed_params
        self._keys, self._buffers, self._step = self._run(self._program.reset, *args)

    def step(self, action: Any, some_ended: bool = True) -> None:
        """Take a step. ``some_ended=False`` promises that no environment waits for its reset."""
        alone = self._resets == "next step" and not some_ended and self.num_envs <= FEW
        step = self._program.step_alone if alone else self._program.step
        self._buffers, self._step = self._run(step, self._keys, self._buffers, action, self._step_params)

    @property
    def out(self) -> Step:
        """What the last step or reset gave."""
        return self._step if self._on_device else self._program.layout.first(self._buffers, self._copy)

    @property
    def state(self) -> Any:
        """The states, leaves ``[num_envs, ...]``."""
        return unpacked(self._program.layout, self._buffers)[1].state

    def render(self, size: Any) -> np.ndarray:
        """Return a picture of each, uint8[num_envs, H, W, 3]."""
        return np.asarray(self._program.render(self._buffers, self._packed_params, size))

    @staticmethod
    def _run(function: Any, *args: Any) -> Any:
        """Call a compiled function; where checks are on, wait for what they find."""
        if not checking.enabled():
            return function(*args)
        with checking._switch.settled():
            return jax.block_until_ready(function(*args))


def _require_apart(env: Environment[Any, Any]) -> None:
    """Refuse wrappers that share values between environments."""
    layer: Any = env
    while layer is not layer.unwrapped:
        if getattr(layer, "axis_name", None) is not None:
            raise SharedStatisticsError(env.name)
        layer = layer.env
