"""Any stack of wrappers keeps the promises of the protocol: nobody has to think about how two wrappers meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jaxenv import wrappers
from jaxenv.testing import check_env
from wrapped import PROBES, WRAPPERS, Drift, Ladder, stacked

pytestmark = pytest.mark.usefixtures("unoptimized")

STACKS = st.tuples(st.sampled_from(PROBES), st.lists(st.sampled_from(sorted(WRAPPERS)), min_size=1, max_size=3).map(tuple))


def check_stack(stack: tuple[Callable[[], Any], tuple[str, ...]]) -> None:
    env = stacked(*stack)
    assume(env is not None)
    check_env(env)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(STACKS)
def test_any_stack_keeps_every_promise(stack: tuple[Callable[[], Any], tuple[str, ...]]) -> None:
    check_stack(stack)


@pytest.mark.long
@settings(max_examples=60, deadline=None, derandomize=True)
@given(STACKS)
def test_many_stacks_keep_every_promise(stack: tuple[Callable[[], Any], tuple[str, ...]]) -> None:
    check_stack(stack)


# Every wrapper at least once, in company that has made trouble in other libraries.
COMPANY = [
    (Drift, ("RepeatAction", "StickyAction", "RecordEpisodeStatistics")),
    (Drift, ("NormalizeObservation", "FrameStackObservation", "NormalizeReward")),
    (Drift, ("RescaleAction", "ClipAction", "PreviousActionAndReward")),
    (Drift, ("RescaleObservation", "DelayObservation", "DiscretizeAction")),
    (Drift, ("PixelObservation", "TimeAwareObservation", "TransformReward")),
    (Ladder, ("FlattenObservation", "DtypeObservation", "ScaleReward")),
    (Ladder, ("TransformAction", "RewardNoise", "ClipReward")),
    (Ladder, ("TransformObservation", "StickyAction", "RecordEpisodeStatistics")),
    (Drift, ("RandomizeParams", "FrozenNormalizeObservation", "FrozenNormalizeReward")),
    (Ladder, ("RandomizeParams", "SelectInfo", "ScaleReward")),
]


@pytest.mark.parametrize(("probe", "names"), COMPANY, ids=["-".join(names) for _, names in COMPANY])
def test_every_wrapper_keeps_every_promise(probe: Callable[[], Any], names: tuple[str, ...]) -> None:
    env = stacked(probe, names)
    assert env is not None
    check_env(env)


def test_no_wrapper_is_left_out() -> None:
    public = {name for name in wrappers.__all__ if isinstance(getattr(wrappers, name), type)}
    bases = {"Wrapper", "StatefulWrapper", "ParametricWrapper", "WrapperState", "WrapperParams", "RunningStatistics"}
    # Vectorize makes a batch, which is no Environment; LogWrapper is another name of RecordEpisodeStatistics.
    assert public - bases - {"Vectorize", "LogWrapper"} == set(WRAPPERS)
    assert {name for _, names in COMPANY for name in names} == set(WRAPPERS)
