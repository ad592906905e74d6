"""Optimal returns of tasks with few states, computed from the environment itself.

Nothing here knows a task's dynamics. States are found by stepping the real environment (``advance``, hence ``transition`` and the
time limit) from every state, with every action and every outcome of the task's random draws. The draws are put in the place of
the environment's own ``draw_reset`` and ``draw_step``, so all that a task must tell is what these may return, and how likely.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxenv import Environment, spaces
from jaxenv.environment import NO_TIME_LIMIT
from numpy.typing import NDArray

from jaxenv_baselines.optimal.errors import EndlessTaskError, NoPathError, TooManyStatesError

MOST_STATES = 1_000_000
"""States that a table holds by default."""


class Outcome(NamedTuple):
    """Something that chance may do."""

    probability: float
    """How likely it is, in [0, 1]."""
    draws: Any
    """What ``draw_reset`` or ``draw_step`` returns then."""


@dataclass(frozen=True)
class Chances:
    """What is random in a task, and which part of its state matters."""

    reset: Sequence[Outcome] = ()
    """The outcomes of ``draw_reset``; none if a reset draws nothing."""
    step: Sequence[Outcome] = ()
    """The outcomes of ``draw_step``; none if a step draws nothing."""
    ignored: tuple[str, ...] = ()
    """Fields of the state that influence neither rewards nor what comes next, such as counters."""
    stationary: bool = False
    """Whether ``transition`` takes no notice of ``state.time``; there are fewer states to tell apart then."""


@dataclass(frozen=True)
class Layer:
    """All transitions from some states; axes are states, actions, outcomes."""

    reward: NDArray[np.float64]
    """The reward, float64[S, A, O]."""
    successor: NDArray[np.int64]
    """The next state's row in the next layer, int64[S, A, O]; -1 where the episode is over."""

    def values(self, probability: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of each state, float64[S], of those of the next layer: Bellman's equation."""
        after = np.append(after, 0.0)  # the row -1: nothing comes after the end
        return ((self.reward + after[self.successor]) @ probability).max(axis=1)


@dataclass(frozen=True)
class Table:
    """A task as tables."""

    layers: list[Layer]
    """One for each step of an episode; for a stationary task a single one, which leads to itself."""
    probability: NDArray[np.float64]
    """Of each outcome of a step, float64[O]."""
    first: NDArray[np.int64]
    """The row of the state that each outcome of a reset leads to, int64[R]."""
    first_probability: NDArray[np.float64]
    """Of each outcome of a reset, float64[R]."""
    horizon: int
    """Steps after which an episode is over at the latest."""
    stationary: bool = field(default=False)

    @property
    def num_states(self) -> int:
        """How many states there are, over all layers."""
        return sum(len(layer.reward) for layer in self.layers)

    def value(self) -> float:
        """Return the largest expected undiscounted return of an episode."""
        layers = self.layers * self.horizon if self.stationary else self.layers
        values = np.zeros(len(layers[-1].reward))
        for layer in reversed(layers):
            values = layer.values(self.probability, values)
        return float(self.first_probability @ values[self.first])


def solve(env: Environment[Any, Any], params: Any, chances: Chances, most_states: int = MOST_STATES) -> float:
    """Return the largest expected undiscounted return of an episode, by dynamic programming over all states that can be reached.

    Whoever achieves it sees the whole state. Where observations tell less, it is a bound.

    Args:
        env: an environment with a Discrete action space.
        params: its parameters.
        chances: what its draws may be.
        most_states: how many states to enumerate before giving up.

    Raises:
        TooManyStatesError: there are more states than that.
        EndlessTaskError: the task is stationary and has no time limit.
    """
    return tabulate(env, params, chances, most_states).value()


def tabulate(env: Environment[Any, Any], params: Any, chances: Chances, most_states: int = MOST_STATES) -> Table:
    """Return the task as tables; the arguments are :func:`solve`'s."""
    horizon = int(params.max_steps_in_episode)
    if chances.stationary and horizon == NO_TIME_LIMIT:
        raise EndlessTaskError(env.name)
    states, first = _unique(_first_states(env, params, chances))
    make = _stationary if chances.stationary else _by_time
    layers = make(env, params, chances, states, most_states)
    return Table(
        layers=layers,
        probability=_probabilities(chances.step),
        first=first,
        first_probability=_probabilities(chances.reset),
        horizon=horizon if chances.stationary else len(layers),
        stationary=chances.stationary,
    )


def fewest_steps(table: Table, name: str, tolerance: float = 1e-7, most_sweeps: int = 100_000) -> NDArray[np.float64]:
    """Return the expected steps to the end of an episode from each outcome of a reset, float64[R], of the quickest policy.

    No time limit counts. For a stationary task whose episodes can surely be ended.
    """
    (layer,) = table.layers
    hurry = Layer(np.full_like(layer.reward, -1.0), layer.successor)
    values = np.zeros(len(layer.reward))
    for _ in range(most_sweeps):
        before, values = values, hurry.values(table.probability, values)
        if np.abs(values - before).max() < tolerance:
            return -values[table.first]
    raise NoPathError(name, most_sweeps)


def given(env: Environment[Any, Any], **draws: Any) -> Environment[Any, Any]:
    """Return the environment whose ``draw_reset`` or ``draw_step`` return these draws, whatever the key.

    Call its hooks alone: ``step`` and ``reset`` would take it for the environment that it is made from.
    """
    env = copy.copy(env)
    for name, value in draws.items():
        object.__setattr__(env, name, lambda *_, value=value: value)
    return env


def _probabilities(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    return np.array([outcome.probability for outcome in outcomes] or [1.0], np.float64)


def _stacked(outcomes: Sequence[Outcome]) -> Any:
    """Return the draws of all outcomes as one batch; None if nothing is drawn."""
    if not outcomes:
        return None
    return jax.tree.map(
        lambda *leaves: jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves])), *(outcome.draws for outcome in outcomes)
    )


def _canonical(env: Environment[Any, Any], params: Any, chances: Chances, state: Any) -> Any:
    """Return ``state`` in the dtypes that it has in a rollout, with what does not matter set to zero."""
    like = env.state_shapes(params)
    state = jax.tree.map(lambda leaf, shape: jnp.asarray(leaf).astype(shape.dtype), state, like)
    unimportant = (*chances.ignored, "time") if chances.stationary else chances.ignored
    return state.replace(**{name: jnp.zeros_like(getattr(state, name)) for name in unimportant})


def _first_states(env: Environment[Any, Any], params: Any, chances: Chances) -> Any:
    def begin(draws: Any) -> Any:
        drawn = env if draws is None else given(env, draw_reset=draws)
        return _canonical(env, params, chances, drawn.init(jax.random.key(0), params))

    draws = _stacked(chances.reset)
    if draws is None:
        return jax.tree.map(lambda leaf: leaf[None], begin(None))
    return jax.jit(jax.vmap(begin))(draws)


def _stepper(env: Environment[Any, Any], params: Any, chances: Chances) -> Callable[[Any], Any]:
    """Return a function from states ``[S, ...]`` to ``(next states, reward, terminated, truncated)``, each ``[S, A, O, ...]``."""
    space = env.action_space(params)
    if not isinstance(space, spaces.Discrete):
        raise TypeError(f"{env.name} has the action space {space}, but a table needs a Discrete one. Wrap it in DiscretizeAction.")
    actions = jnp.arange(space.start, space.start + space.n, dtype=space.dtype)
    draws = _stacked(chances.step)

    def step(state: Any, action: Any, draws: Any) -> Any:
        drawn = env if draws is None else given(env, draw_step=draws)
        out = drawn.advance(jax.random.key(0), state, action, params)
        flags = jnp.asarray(out.terminated), jnp.asarray(out.truncated)
        return _canonical(env, params, chances, out.state), jnp.asarray(out.reward), *flags

    by_outcome = step if draws is not None else lambda *args: jax.tree.map(lambda leaf: leaf[None], step(*args))
    if draws is not None:
        by_outcome = jax.vmap(step, in_axes=(None, None, 0))
    by_action = jax.vmap(by_outcome, in_axes=(None, 0, None))
    by_state = jax.jit(jax.vmap(by_action, in_axes=(0, None, None)))

    def all_steps(states: Any) -> Any:
        count = len(jax.tree.leaves(states)[0])
        room = 1 << (count - 1).bit_length()  # few different sizes, since each is compiled
        padded = jax.tree.map(lambda leaf: np.concatenate([leaf, np.repeat(leaf[:1], room - count, axis=0)]), states)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], by_state(padded, actions, draws))

    return all_steps


def _unique(states: Any) -> tuple[Any, NDArray[np.int64]]:
    """Return the distinct states of a batch, and the row among them of each state of the batch."""
    leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, states))
    count = len(leaves[0])
    rows = np.concatenate(
        [np.ascontiguousarray(leaf.reshape(count, -1)).view(np.uint8).reshape(count, -1) for leaf in leaves], axis=1
    )
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, index, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return structure.unflatten([leaf[index] for leaf in leaves]), inverse.reshape(-1).astype(np.int64)


def _flat(states: Any, where: NDArray[np.bool_]) -> Any:
    """Return the states ``[S, A, O, ...]`` at which ``where`` holds as a batch with one axis."""
    return jax.tree.map(lambda leaf: leaf[where], states)


def _by_time(env: Environment[Any, Any], params: Any, chances: Chances, states: Any, most_states: int) -> list[Layer]:
    """Enumerate step by step: a layer holds the states that can be reached in as many steps."""
    step, layers, total = _stepper(env, params, chances), [], 0
    while True:
        total += len(jax.tree.leaves(states)[0])
        if total > most_states:
            raise TooManyStatesError(env.name, most_states)
        following, reward, terminated, truncated = step(states)
        goes_on = ~(terminated | truncated)
        successor = np.full(goes_on.shape, -1, np.int64)
        layers.append(Layer(reward.astype(np.float64), successor))
        if not goes_on.any():
            return layers
        states, successor[goes_on] = _unique(_flat(following, goes_on))


def _stationary(env: Environment[Any, Any], params: Any, chances: Chances, states: Any, most_states: int) -> list[Layer]:
    """Enumerate until nothing new is found; the clock stands still, so one layer leads to itself."""
    step = _stepper(env, params, chances)
    known = states
    batches: list[tuple[Any, NDArray[Any], NDArray[np.bool_]]] = []
    frontier = states
    while len(jax.tree.leaves(frontier)[0]):
        following, reward, terminated, _ = step(frontier)
        batches.append((following, reward, ~terminated))
        known, frontier = _extended(known, _flat(following, ~terminated))
        if len(jax.tree.leaves(known)[0]) > most_states:
            raise TooManyStatesError(env.name, most_states)
    following, reward, goes_on = jax.tree.map(lambda *parts: np.concatenate(parts), *batches)
    successor = np.full(goes_on.shape, -1, np.int64)
    successor[goes_on] = _rows(known, _flat(following, goes_on))
    return [Layer(reward.astype(np.float64), successor)]


def _extended(known: Any, found: Any) -> tuple[Any, Any]:
    """Return the known states with the new ones of ``found`` behind them, and the new ones."""
    found, _ = _unique(found)
    count = len(jax.tree.leaves(known)[0])
    both = jax.tree.map(lambda a, b: np.concatenate([np.asarray(a), b]), known, found)
    _, row = _unique(both)
    fresh = ~np.isin(row[count:], row[:count])
    new = jax.tree.map(lambda leaf: leaf[fresh], found)
    return jax.tree.map(lambda a, b: np.concatenate([np.asarray(a), b]), known, new), new


def _rows(known: Any, states: Any) -> NDArray[np.int64]:
    """Return the row among the known, distinct states of each of ``states``."""
    count = len(jax.tree.leaves(known)[0])
    _, row = _unique(jax.tree.map(lambda a, b: np.concatenate([np.asarray(a), b]), known, states))
    place = np.empty(count, np.int64)
    place[row[:count]] = np.arange(count)
    return place[row[count:]]


__all__ = ["Chances", "Layer", "Outcome", "Table", "fewest_steps", "given", "solve", "tabulate"]
