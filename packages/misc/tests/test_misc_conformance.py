"""Settings whose observations, actions or randomness differ in kind from the registered ids' keep the protocol's promises."""

import pytest
from jaxenv.testing import check_env
from jaxenv_misc import FourRooms, FrozenLake, PointRobot, Pong


@pytest.mark.parametrize(
    "env",
    [FourRooms(use_visual_obs=True), PointRobot(observe_context=True, respawn=True), Pong("greedy"), FrozenLake(is_slippery=False)],
    ids=["pictures", "context", "greedy", "firm"],
)
def test_promises_are_kept(env):
    assert check_env(env).passed
