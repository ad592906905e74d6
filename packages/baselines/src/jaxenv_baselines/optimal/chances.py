"""What chance may do in the tasks of few states: for each class a function from ``(env, params)`` to :class:`Chances`.

The draws are those of the environment's own ``draw_reset`` and ``draw_step``, with other values in them, and their probabilities
follow from the params. Nothing of what the environment then does with them stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxenv_baselines.optimal.tabular import Chances, Outcome


def none(env: Any, params: Any) -> Chances:
    """Nothing is random."""
    del params
    return Chances(ignored=tuple(getattr(env, "counters", ())))


def frozen_lake(env: Any, params: Any) -> Chances:
    """The ice turns a move by a quarter, one way or the other; a map may have several starts."""
    starts = "".join(env.desc).count("S")
    reset = _equally(_blank(env.draw_reset, params)._replace(start=np.int32(start)) for start in range(starts))
    if not env.is_slippery:
        return Chances(reset=reset, stationary=True)
    intended = float(params.success_rate)
    slip = (1.0 - intended) / 2.0
    draws = _blank(env.draw_step, params)
    # The middle of each of the three intervals that the uniform number may lie in.
    middles = ((slip, slip / 2), (intended, slip + intended / 2), (slip, 1.0 - slip / 2))
    step = [
        Outcome(probability, draws._replace(uniform=draws.uniform + middle)) for probability, middle in middles if probability > 0
    ]
    return Chances(reset=reset, step=step, stationary=True)


def four_rooms(env: Any, params: Any) -> Chances:
    """The agent and the goal are anywhere, and a move may be any of four instead."""
    width = len(env.layout[0])
    free = [number for number, cell in enumerate("".join(env.layout)) if cell != "#"]
    start, goal = (y * width + x for y, x in (env.start, env.goal))
    pairs = [
        (position, target)
        for position in (free if env.resample_init_pos else [start])
        for target in (free if env.resample_goal_pos else [goal])
        if position != target
    ]
    draws = _blank(env.draw_reset, params)
    reset = _equally(draws._replace(position=np.int32(position), goal=np.int32(target)) for position, target in pairs)
    slips = min(4.0 / 3.0 * float(params.fail_prob), 1.0)
    move = _blank(env.draw_step, params)
    kept = Outcome(1.0 - slips, move._replace(slips=np.bool_(False), move=np.int32(0)))
    drawn = [Outcome(slips / 4, move._replace(slips=np.bool_(True), move=np.int32(way))) for way in range(4)]
    return Chances(reset=reset, step=[outcome for outcome in (kept, *drawn) if outcome.probability > 0], stationary=True)


def catch(env: Any, params: Any) -> Chances:
    """The ball falls in any column."""
    del params
    return Chances(reset=_equally(np.int32(column) for column in range(env.columns)), ignored=env.counters)


def deep_sea(env: Any, params: Any) -> Chances:
    """The wind may prevent a move to the right. The noise of the reward has the mean 0 and changes nothing else, so it is 0."""
    ignored = (*env.counters, "bad_episode")
    if env.deterministic:
        return Chances(ignored=ignored)
    calm = _blank(env.draw_step, params)._replace(noise=np.float32(0.0))
    prevented = 1.0 / env.size
    step = [Outcome(prevented, calm._replace(wind=np.float32(0.0))), Outcome(1.0 - prevented, calm._replace(wind=np.float32(1.0)))]
    return Chances(step=[outcome for outcome in step if outcome.probability > 0], ignored=ignored)


def memory_chain(env: Any, params: Any) -> Chances:
    """Any bit may be asked for, and it is set or not. The others don't matter: they are all like it."""
    del params
    draws = _blank(env.draw_reset)
    contexts = draws.context, ~draws.context
    reset = _equally(draws._replace(context=bits, query=np.int32(query)) for query in range(env.num_bits) for bits in contexts)
    return Chances(reset=reset, ignored=env.counters)


def umbrella_chain(env: Any, params: Any) -> Chances:
    """The weather, the umbrella that is shown at first, and the coins of all rewards but the last. What distracts is left at 0."""
    begun = _blank(env.draw_reset)
    flags = [(np.bool_(need), np.bool_(has)) for need in (False, True) for has in (False, True)]
    step = _blank(env.draw_step, params)
    return Chances(
        reset=_equally(begun._replace(need=need, has=has) for need, has in flags),
        step=_equally(step._replace(coin=np.bool_(coin)) for coin in (False, True)),
        ignored=(*env.counters, "distractors"),
    )


def _equally(draws: Any) -> list[Outcome]:
    """Return outcomes that are equally likely."""
    every = list(draws)
    return [Outcome(1.0 / len(every), one) for one in every]


def _blank(draw: Callable[..., Any], *params: Any) -> Any:
    """Return draws that are all zeros, of which the parts that matter are then replaced."""
    shapes = jax.eval_shape(lambda: draw(jax.random.key(0), *params))
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
