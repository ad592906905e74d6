"""Things on a canvas: where they stand, and that they turn and grow as a whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.visualize import Canvas, palette, props

pytestmark = pytest.mark.usefixtures("unoptimized")

VIEW = (-0.3, -0.3, 0.3, 0.3)
COLORS = {"body": palette.BLUE, "tyres": palette.INK, "hubs": palette.SILVER}


def pictured(paint, view=VIEW, size=120):
    return np.asarray(jax.jit(lambda: paint(Canvas(size, view)).image())())


def touched(picture):
    """Return the rows and columns of all pixels that are not white, in units of the view, seen from its centre."""
    rows, columns = np.nonzero((picture != 255).any(axis=-1))
    return (59.5 - rows) * 0.6 / 120, (columns - 59.5) * 0.6 / 120


def test_a_car_stands_on_its_road():
    up, across = touched(pictured(lambda canvas: props.car(canvas, (0.05, 0.1), 0.0, **COLORS)))
    assert up.min() == pytest.approx(0.1, abs=0.01)
    assert up.max() == pytest.approx(0.1 + 0.16, abs=0.01)
    assert (across.min(), across.max()) == pytest.approx((0.05 - 0.1, 0.05 + 0.1), abs=0.01)


def test_a_car_turns_with_its_road():
    level = pictured(lambda canvas: props.car(canvas, (0.0, 0.0), 0.0, **COLORS))
    steep = pictured(lambda canvas: props.car(canvas, (0.0, 0.0), jnp.pi / 2, **COLORS))
    assert np.abs(np.rot90(level).astype(int) - steep).max() <= 2


def test_a_car_has_its_colors():
    picture = pictured(lambda canvas: props.car(canvas, (0.0, 0.0), 0.3, **COLORS)).reshape(-1, 3).tolist()
    assert all(list(color) in picture for color in COLORS.values())


def test_a_flag_stands_on_its_foot():
    colors = {"pole": palette.INK, "cloth": palette.ORANGE}
    up, across = touched(pictured(lambda canvas: props.flag(canvas, (-0.1, -0.2), **colors)))
    assert (up.min(), up.max()) == pytest.approx((-0.2, -0.2 + 0.18), abs=0.015)
    assert (across.min(), across.max()) == pytest.approx((-0.1, -0.1 + 0.09), abs=0.015)


def test_a_flag_grows_as_a_whole():
    colors = {"pole": palette.INK, "cloth": palette.ORANGE}
    small = pictured(lambda canvas: props.flag(canvas, (0.0, 0.0), **colors, height=0.2))
    large = pictured(lambda canvas: props.flag(canvas, (0.0, 0.0), **colors, height=0.4), tuple(2 * edge for edge in VIEW))
    assert np.abs(small.astype(int) - large).max() <= 2
