"""Our environments behind Gymnasium's interface, for code that is written against it.

Importing this module registers every id with Gymnasium:

>>> import gymnasium
>>> import jaxenv.adapters.gymnasium
>>> env = gymnasium.make("jaxenv/CartPole-v1", gravity=1.6)
>>> envs = gymnasium.make_vec("jaxenv/CartPole-v1", num_envs=256)

Gymnasium's ids have one slash: ``jaxenv/NAME``, with a dot in place of any slash in the name, such as ``jaxenv/catch.0``. Where two
plugins have one name, and always beside the short form, there is ``jaxenv/NAMESPACE.NAME``, such as ``jaxenv/classic.CartPole-v1``.
Environments that are registered later are there after another :func:`register_envs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from jaxenv import _overrides, _sizes, ranges, spaces
from jaxenv.adapters import _actions
from jaxenv.adapters import _gymnasium_members as members
from jaxenv.adapters._batch import Batch, build, checked_seed
from jaxenv.adapters._program import Step
from jaxenv.adapters._window import Window, open_window
from jaxenv.environment import Environment
from jaxenv.errors import (
    AdapterArgumentError,
    AutoresetModeError,
    MissingExtraError,
    NotResetError,
    RenderModeError,
    RenderNotSupportedError,
    ResetOptionError,
    SeedCountError,
)
from jaxenv.errors.formatting import listed
from jaxenv.registry import EnvSpec, registered_envs
from jaxenv.registry.lookup import spec as find_spec

try:
    import gymnasium
    from gymnasium.envs.registration import EnvSpec as TheirSpec
    from gymnasium.vector import AutoresetMode
    from gymnasium.vector.utils import batch_space
except ImportError as error:
    raise MissingExtraError("gymnasium", "gymnasium", "jaxenv.adapters.gymnasium") from error

NAMESPACE = "jaxenv"
"""The namespace of our ids in Gymnasium's registry."""
FPS = 30
"""Pictures a second of ``render_mode="human"`` and of films; environments have no clock of their own."""

_ENTRY_POINTS: dict[str, Any] = {"entry_point": f"{__name__}:GymnasiumEnv", "vector_entry_point": f"{__name__}:GymnasiumVectorEnv"}
_RESETS: dict[Any, Any] = {
    AutoresetMode.NEXT_STEP: "next step",
    AutoresetMode.SAME_STEP: "same step",
    AutoresetMode.DISABLED: "never",
}


class GymnasiumEnv(gymnasium.Env[Any, Any]):
    """One environment as a ``gymnasium.Env``.

    ``reset(seed=s)`` starts from the seed: all that follows depends on ``s`` and the actions alone. ``reset()`` begins the next
    episode and keeps what carries over from one to the next, such as running statistics; the first time it draws a seed.
    ``np_random`` is Gymnasium's own and seeded as it does; the environment draws nothing from it.

    ``terminated`` is the task's end, ``truncated`` the time limit of the environment itself. Observations are arrays of NumPy in
    the dtypes of the space, ``info`` is what the environment and its wrappers report.

    Args:
        env: an id, a spec or an environment, with wrappers of :mod:`jaxenv.wrappers` or without.
        params: its parameters; None means ``env.default_params``.
        render_mode: None, ``"rgb_array"`` (``render`` returns uint8[H, W, 3]) or ``"human"`` (a window of pygame or matplotlib).
        render_size: height and width of pictures in pixels; one number for a square.
        wrap: a function from the environment to one with wrappers around it, such as a wrapper's class.
        **overrides: what ``jaxenv.make`` takes: fields of the environment and leaves of its params.

    ``reset(options={"params": ...})`` changes the parameters from then on: to params, or by names in a mapping.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": FPS}  # noqa: RUF012 - declared by the base class

    def __init__(
        self,
        env: str | EnvSpec | Environment[Any, Any],
        params: Any = None,
        *,
        render_mode: str | None = None,
        render_size: int | tuple[int, int] = 256,
        wrap: Callable[[Any], Environment[Any, Any]] | None = None,
        **overrides: Any,
    ) -> None:
        ours, params = build(env, params, wrap, overrides)
        self.metadata = _drawing(ours, type(self).metadata, render_mode)
        self.render_mode, self.render_size = render_mode, render_size
        self._batch = Batch(ours, params, 1, "never")
        self._window: Window | None = open_window(ours.name, FPS) if render_mode == "human" else None
        self._set_spaces()

    def _set_spaces(self) -> None:
        env, params = self._batch.env, self._batch.params
        self.observation_space = spaces.to_gymnasium(env.observation_space(params))
        self.action_space = spaces.to_gymnasium(env.action_space(params))

    @property
    def env(self) -> Environment[Any, Any]:
        """Our environment."""
        return self._batch.env

    @property
    def params(self) -> Any:
        """Its parameters."""
        return self._batch.params

    @property
    def state(self) -> Any:
        """Its state: a tree of arrays of JAX, as ``env.step`` takes it."""
        import jax

        _require_begun(self._batch)
        return jax.tree.map(lambda leaf: leaf[0], self._batch.state)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode and return ``(obs, info)``; see the class."""
        _check_options(options, ("params",))
        super().reset(seed=seed)
        _set_params(self, (options or {}).get("params"))
        if seed is not None or not self._batch.begun:
            self._batch.seed([self.np_random_seed])
        else:
            self._batch.reset()
        self._draw()
        return members.one(self.observation_space, self._batch.out.obs), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step and return ``(obs, reward, terminated, truncated, info)``. After the end of an episode, call ``reset``."""
        _require_begun(self._batch)
        try:
            self._batch.step(members.batched(self.action_space, action))
        except _actions.FAILURES:
            _actions.explain(self.env.name, self.env.action_space(self.params), action)
            raise
        out = self._batch.out
        self._draw()
        obs, info = members.one(self.observation_space, out.obs), _first(out.info)
        return obs, float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0]), info

    def render(self) -> Any:
        """Return a picture, uint8[H, W, 3], with ``render_mode="rgb_array"``; a window needs no call."""
        if self.render_mode is None:
            raise RenderModeError(None, ("human", "rgb_array"))
        _require_begun(self._batch)
        return None if self.render_mode == "human" else self._batch.render(self.render_size)[0]

    def _draw(self) -> None:
        if self._window is not None:
            self._window.show(self._batch.render(self.render_size)[0])

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """Many environments as one ``gymnasium.vector.VectorEnv``, stepped together by one compiled call.

    Environment ``i`` of ``reset(seed=s)`` plays what a :class:`GymnasiumEnv` plays after ``reset(seed=s + i)``, whatever the mode
    of resets is. Seeds may be a list, with None for environments that go on. ``reset(options={"reset_mask": mask})`` resets those
    of a bool[num_envs] alone.

    With ``to_numpy``, results are arrays of NumPy: copies, or with ``copy=False`` read-only views of what was computed. Without,
    they are arrays of JAX and stay on the device; nothing waits for them, so nothing sees whether a mode without resets forgot
    one, and ``final_obs`` is an array of all environments. Rewards are float32.

    Args:
        env: an id, a spec or an environment, with wrappers of :mod:`jaxenv.wrappers` or without.
        num_envs: how many there are.
        params: their parameters, shared by all; None means ``env.default_params``.
        autoreset_mode: a ``gymnasium.vector.AutoresetMode`` or its value. ``NEXT_STEP``: the step after an episode's end resets,
            ignores the action and has no reward. ``SAME_STEP``: the step that ends an episode resets, and ``info`` has
            ``final_obs`` and ``final_info``. ``DISABLED``: call ``reset`` with a ``reset_mask``.
        to_numpy: whether results are arrays of NumPy.
        copy: whether these may be written into.
        max_episode_steps: the time limit; Gymnasium's name for the param ``max_steps_in_episode``.
        render_mode: None, or ``"rgb_array"``: ``render`` returns a tuple of uint8[H, W, 3].
        render_size: height and width of pictures in pixels; one number for a square.
        wrap: a function from the environment to one with wrappers around it, such as a wrapper's class.
        **overrides: what ``jaxenv.make`` takes: fields of the environment and leaves of its params.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": FPS}  # noqa: RUF012 - declared by the base class

    def __init__(
        self,
        env: str | EnvSpec | Environment[Any, Any],
        num_envs: int = 1,
        params: Any = None,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        to_numpy: bool = True,
        copy: bool = True,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        render_size: int | tuple[int, int] = 256,
        wrap: Callable[[Any], Environment[Any, Any]] | None = None,
        **overrides: Any,
    ) -> None:
        size = _sizes.whole(num_envs)
        if not _sizes.is_size(size):
            raise AdapterArgumentError.of("num_envs", num_envs, "an integer from 1", "Pass how many environments there are")
        if max_episode_steps is not None:
            overrides["max_steps_in_episode"] = max_episode_steps
        ours, params = build(env, params, wrap, overrides)
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError:
            raise AutoresetModeError(autoreset_mode, tuple(mode.value for mode in AutoresetMode)) from None
        self.metadata = {**_drawing(ours, type(self).metadata, render_mode), "autoreset_mode": self.autoreset_mode}
        self.render_mode, self.render_size = render_mode, render_size
        self.num_envs, self._to_numpy = size, to_numpy
        self._batch = Batch(ours, params, size, _RESETS[self.autoreset_mode], on_device=not to_numpy, copy=copy)
        self._ended: Any = np.zeros(size, np.bool_)  # whose episode ended, and was not reset yet
        self._set_spaces()

    def _set_spaces(self) -> None:
        env, params = self._batch.env, self._batch.params
        self.single_observation_space = spaces.to_gymnasium(env.observation_space(params))
        self.single_action_space = spaces.to_gymnasium(env.action_space(params))
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    @property
    def env(self) -> Environment[Any, Any]:
        """Our environment, one of them."""
        return self._batch.env

    @property
    def params(self) -> Any:
        """Their parameters."""
        return self._batch.params

    @property
    def state(self) -> Any:
        """Their states: a tree of arrays of JAX, leaves ``[num_envs, ...]``."""
        _require_begun(self._batch)
        return self._batch.state

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every environment, or in those of ``options["reset_mask"]``, and return ``(obs, info)``."""
        _check_options(options, ("params", "reset_mask"))
        mask = _mask((options or {}).get("reset_mask"), self.num_envs)
        super().reset(seed=seed if _is_one(seed) else None)
        seeds = self._seeds(seed)
        _set_params(self, (options or {}).get("params"))
        given = [one for one in seeds if one is not None]
        if mask is None and len(given) == self.num_envs:
            self._batch.seed(given)
        else:
            if not self._batch.begun:
                self._batch.seed(self._consecutive(self.np_random_seed or 0))
            self._batch.reset(mask, seeds if given else None)
        self._ended = np.zeros(self.num_envs, np.bool_) if mask is None else self._ended & ~mask
        return self._obs(self._batch.out.obs), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Step every environment and return ``(obs, rewards, terminations, truncations, infos)``."""
        _require_begun(self._batch)
        # Where results stay on the device nobody knows whose episode ended without waiting for it.
        some_ended = not self._to_numpy or self.autoreset_mode is AutoresetMode.SAME_STEP or self._ended.any()
        if some_ended and self._to_numpy and self.autoreset_mode is AutoresetMode.DISABLED:
            raise NotResetError(int(self._ended.sum()))
        try:
            self._batch.step(members.fitted(self.action_space, actions), some_ended)
        except _actions.FAILURES:
            _actions.explain(self.env.name, self.env.action_space(self.params), actions, self.num_envs)
            raise
        out = self._batch.out
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            infos = self._same_step_infos(out)
        else:
            infos = _masked(out.info, out.stepped) if out.info else {}
            self._ended = out.done
        return self._obs(out.obs), out.reward, out.terminated, out.truncated, infos

    def render(self) -> tuple[np.ndarray, ...]:
        """Return a picture of each environment, uint8[H, W, 3]."""
        if self.render_mode is None:
            raise RenderModeError(None, ("rgb_array",))
        _require_begun(self._batch)
        return tuple(self._batch.render(self.render_size))

    def _obs(self, obs: Any) -> Any:
        return members.cast(self.observation_space, obs) if self._to_numpy else obs

    def _same_step_infos(self, out: Step) -> dict[str, Any]:
        infos = _masked(out.info, ~out.done) if out.info else {}
        if self._to_numpy and not out.done.any():
            return infos
        final_obs = out.final_obs
        if self._to_numpy:
            every, final_obs = self._obs(final_obs), np.full(self.num_envs, None, dtype=object)
            for index in np.flatnonzero(out.done):
                final_obs[index] = members.at(every, int(index))
        final = {"final_obs": final_obs, "final_info": _masked(out.info, out.done)}
        return infos | final | {"_final_obs": out.done, "_final_info": out.done}

    def _seeds(self, seed: Any) -> Sequence[int | None]:
        if seed is None and self._batch.begun:
            return [None] * self.num_envs
        if seed is None or _is_one(seed):
            return self._consecutive((self.np_random_seed or 0) if seed is None else int(seed))
        if len(seed) != self.num_envs:
            raise SeedCountError(len(seed), self.num_envs)
        return [None if one is None else checked_seed(one) for one in seed]

    def _consecutive(self, seed: int) -> list[int]:
        return [seed + index for index in range(self.num_envs)]


def register_envs() -> list[str]:
    """Register every environment of :func:`jaxenv.registered_envs` with Gymnasium.

    Returns:
        The ids that they have there.
    """
    specs = registered_envs()
    count = Counter(spec.name for spec in specs)
    ids: list[str] = []
    for spec in specs:
        names = [f"{spec.namespace}.{spec.name}", *([spec.name] if count[spec.name] == 1 else [])]
        for name in names:
            ids.append(gymnasium_id(name))
            if ids[-1] not in gymnasium.registry:
                gymnasium.register(ids[-1], kwargs={"env": spec.id}, **_ENTRY_POINTS)
    return ids


def gymnasium_id(name: str) -> str:
    """Make Gymnasium's id from a name or an id of ours. Gymnasium allows one slash.

    Args:
        name: a short or full id, such as ``"bsuite/catch/0"``.

    Returns:
        The id, with dots for further slashes.

    >>> gymnasium_id("bsuite/catch/0")
    'jaxenv/bsuite.catch.0'
    """
    return f"{NAMESPACE}/{name.replace('/', '.')}"


def gymnasium_spec(env: str | EnvSpec, overrides: Mapping[str, Any]) -> TheirSpec:
    """Make the spec from which Gymnasium makes an environment.

    Args:
        env: an id or a spec of ours.
        overrides: further arguments of ``make``.

    Returns:
        A spec of Gymnasium.
    """
    ours = env if isinstance(env, EnvSpec) else find_spec(env)
    return TheirSpec(gymnasium_id(ours.id), kwargs={"env": ours.id, **overrides}, **_ENTRY_POINTS)


def _drawing(env: Environment[Any, Any], metadata: dict[str, Any], mode: str | None) -> dict[str, Any]:
    """Return the metadata of an environment: ways to draw it, if there are any. Refuse others."""
    known = tuple(metadata["render_modes"])
    if mode is not None and mode not in known:
        raise RenderModeError(mode, known)
    draws = type(env.unwrapped).render is not Environment.render
    if mode is not None and not draws:
        raise RenderNotSupportedError(env.name)
    return {**metadata, "render_modes": list(known) if draws else []}


def _require_begun(batch: Batch) -> None:
    if not batch.begun:
        raise NotResetError


def _check_options(options: Any, known: tuple[str, ...]) -> None:
    """Refuse options of ``reset`` that there are not."""
    if options is None:
        return
    if not isinstance(options, Mapping):
        raise AdapterArgumentError.of("options", options, "a mapping", f"Pass one with {listed(list(map(repr, known)))}, or None")
    for name, value in cast("Mapping[str, Any]", options).items():
        if name not in known:
            raise ResetOptionError.unknown(name, value, known)


def _set_params(env: GymnasiumEnv | GymnasiumVectorEnv, given: Any) -> None:
    """Play with other params from now on, given whole or by the names of leaves; None changes nothing, and so does an error."""
    if given is None:
        return
    batch, before = env._batch, env._batch.params
    if isinstance(given, Mapping):
        leaves = {str(name): value for name, value in cast("Mapping[Any, Any]", given).items()}
        given = _overrides.put_all(before, _overrides.resolve(batch.env.name, before, (), leaves))
    else:
        ranges.check_tree(batch.env.name, given)
    try:
        batch.set_params(given)
        env._set_spaces()
    except Exception:
        batch.set_params(before)
        env._set_spaces()
        raise


def _is_one(seed: Any) -> bool:
    """Whether this is no list of seeds."""
    return not isinstance(seed, list | tuple) and np.ndim(seed) == 0


def _mask(given: Any, num_envs: int) -> np.ndarray | None:
    if given is None:
        return None
    try:
        mask = np.asarray(given)
    except ValueError:  # lists of different lengths
        mask = np.empty(0)
    if mask.shape != (num_envs,) or mask.dtype != np.bool_ or not mask.any():
        raise ResetOptionError("reset_mask", given, f"an array bool[{num_envs}] with at least one True was expected")
    return mask


def _first(info: dict[str, Any]) -> dict[str, Any]:
    return {name: _first(value) if isinstance(value, dict) else value[0] for name, value in info.items()}


def _masked(info: dict[str, Any], mask: Any) -> dict[str, Any]:
    """Return entries as a vector environment has them: with a mask beside each, of the environments that have the entry."""
    masks = {f"_{name}": mask for name in info}
    return {name: _masked(value, mask) if isinstance(value, dict) else value for name, value in info.items()} | masks


register_envs()
