"""One id of every class behind other libraries' interfaces, and their own checks of it."""

import warnings

import gymnasium
import jaxenv.adapters.gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from jaxenv.adapters.gymnasium import GymnasiumEnv, gymnasium_id
from jaxenv.wrappers import PixelObservation

SPECS = jaxenv.registered_envs()
FIRST = list({spec.entry_point: spec for spec in reversed(SPECS)}.values())[::-1]
QUICK = {"classic/CartPole-v1", "bsuite/Catch-bsuite", "minatar/Breakout-MinAtar", "misc/FourRooms-misc"}
"""Those that are checked with pictures in every run; the others in long ones."""

pytestmark = pytest.mark.usefixtures("mnist", "unoptimized")


def checked(env):
    """Check an environment; warnings are errors, but for those that Gymnasium's own tasks get."""
    with warnings.catch_warnings():
        for fragment in (
            r".*Box (observation|action) space (minimum|maximum) value is -?infinity",
            r".*Box observation space maximum and minimum values are equal",
            r".*recommend.* symmetric and normalized space",
            r".*Not able to test alternative render modes",
            r".*is different from the unwrapped version",
        ):
            warnings.filterwarnings("ignore", fragment, UserWarning)
        check_env(env)


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_gymnasiums_checker_passes(spec, monkeypatch):
    # Pictures and windows have tests of their own, and compiling all of them takes long.
    monkeypatch.setitem(GymnasiumEnv.metadata, "render_modes", [])
    checked(gymnasium.make(gymnasium_id(spec.id), disable_env_checker=True).unwrapped)


@pytest.mark.parametrize(
    "spec", [pytest.param(spec, marks=() if spec.id in QUICK else pytest.mark.long) for spec in FIRST], ids=lambda spec: spec.id
)
def test_gymnasiums_checker_passes_with_pixels(spec):
    env, _ = jaxenv.make(spec)
    try:
        pixels = PixelObservation(env, size=32)
    except jaxenv.errors.RenderNotSupportedError:
        pytest.skip("has no picture")
    checked(GymnasiumEnv(pixels, render_mode="rgb_array"))
