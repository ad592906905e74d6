"""What holds on every step of a long play, and at every end of an episode."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxenv.testing.environment_under_test import EnvironmentUnderTest
from jaxenv.testing.outcomes import Inconclusive, Violation, require
from jaxenv.testing.runs import SEGMENT


def actions_are_inside(tested: EnvironmentUnderTest) -> None:
    """Sampled actions are members of their space."""
    _always(
        tested.facts.action_inside,
        "action_space(params).sample drew an action that is no member",
        "Correct the bounds of the space.",
    )


def observations_are_inside(tested: EnvironmentUnderTest) -> None:
    """Observations are members of their space."""
    advice = "Widen observation_space to what the task can show."
    require(bool(tested.first.observation_inside.all()), f"reset returned an observation outside observation_space. {advice}")
    _always(tested.facts.observation_inside, "step returned an observation outside observation_space", advice)
    _always(tested.facts.final_observation_inside, "final_observation was outside observation_space", advice)


def nothing_is_nan(tested: EnvironmentUnderTest) -> None:
    """No NaN anywhere."""
    require(bool(tested.first.no_nan.all()), "reset returned a NaN. Guard the division, root or logarithm it comes from.")
    _always(tested.facts.no_nan, "step returned a NaN", "Guard the division, root or logarithm it comes from.")


def rewards_are_finite(tested: EnvironmentUnderTest) -> None:
    """Rewards are finite."""
    _always(np.isfinite(tested.facts.reward), "the reward was not finite", "Bound it: one infinite reward spoils every return.")


def flags_agree(tested: EnvironmentUnderTest) -> None:
    """Done is terminated or truncated."""
    facts = tested.facts
    _always(
        facts.done == (facts.terminated | facts.truncated),
        "done was not terminated | truncated",
        "Leave step to jaxenv.Environment.",
    )
    if not facts.terminated.any():
        raise Inconclusive(f"no episode terminated in {facts.done.size:,} steps of random play")


def discount_agrees(tested: EnvironmentUnderTest) -> None:
    """The discount is 0 exactly where the task ended."""
    facts = tested.facts
    expected = np.where(facts.terminated, 0.0, 1.0)
    _always(facts.discount == expected, "discount was not 0 where terminated and 1 elsewhere", "Leave it to jaxenv.Environment.")


def final_observation_is_last(tested: EnvironmentUnderTest) -> None:
    """final_observation is the observation before the reset."""
    facts = tested.facts
    _always(
        facts.final_is_observation | facts.done,
        "final_observation was not the observation, although the episode went on",
        "Leave it to jaxenv.Environment.",
    )
    _always(facts.final_is_step_env, "final_observation was not what step_env observed", "Leave it to jaxenv.Environment.")


def observe_is_pure(tested: EnvironmentUnderTest) -> None:
    """The observation is what observe says about the returned state."""
    _always(
        tested.facts.observation_is_observe,
        "observe(state, params) did not give the observation that step returned with that state",
        "Draw the noise of an observation in transition, keep it in the state, and leave step to jaxenv.Environment.",
    )


def step_env_is_step(tested: EnvironmentUnderTest) -> None:
    """step_env is step without the reset."""
    facts = tested.facts
    advice = "Leave step and step_env to jaxenv.Environment."
    _always(facts.results_are_step_env, "step and step_env disagreed about reward, done or info", advice)
    _always(
        facts.state_is_step_env | facts.done, "step and step_env disagreed about the state, although the episode went on", advice
    )


def restarts(tested: EnvironmentUnderTest) -> None:
    """An episode that ends is followed by one that init can begin."""
    facts = tested.facts
    if not facts.done.any():
        raise Inconclusive(f"no episode ended in {facts.done.size:,} steps")
    _always(
        facts.state_is_restart | ~facts.done,
        "the state after the end of an episode was not carry_over(init(key, params), ended, params)",
        "Leave the reset to jaxenv.Environment; what is to survive it belongs in carry_over.",
    )


def clock_runs(tested: EnvironmentUnderTest) -> None:
    """Time is 0 at the start of an episode and one more after each step."""
    facts = tested.facts
    advice = "jaxenv keeps the clock: init, transition and carry_over leave state.time alone."
    require(not np.asarray(tested.start[1].time).any(), f"state.time is not 0 after reset. {advice}")
    _always((facts.time_after == 0) | ~facts.done, "state.time was not 0 after the reset that follows an episode", advice)
    moved = facts.time_advanced - facts.time_before
    # One step of a wrapper may be several of the environment inside (RepeatAction).
    _always(moved >= 1 if tested.wrapped else moved == 1, "state.time did not grow by one with the step", advice)
    _always((facts.time_after == facts.time_advanced) | facts.done, "step and step_env disagreed about state.time", advice)


def limit_is_exact(tested: EnvironmentUnderTest) -> None:
    """Truncation happens on the step of the limit, and on no other; that the clock counts steps is another check."""
    advice = "jaxenv applies max_steps_in_episode: leave advance alone, and return natural termination only."
    facts = tested.facts
    _always(
        facts.truncated == (facts.time_advanced >= facts.limit),
        "truncated was not state.time >= params.max_steps_in_episode",
        advice,
    )


def _always(kept: Any, finding: str, advice: str) -> None:
    """Require ``kept``, [steps, COPIES], everywhere; otherwise say where it first was not."""
    kept = np.asarray(kept)
    if kept.all():
        return
    step, copy = (int(i) for i in np.argwhere(~kept)[0])
    run, start = ("with short time limits", 0) if step < SEGMENT else ("of the long play", SEGMENT)
    seen = f"on {int((~kept).sum()):,} of {kept.size:,} steps, first on step {step - start + 1} {run} (copy {copy})"
    raise Violation(f"{finding} {seen}. {advice}")
