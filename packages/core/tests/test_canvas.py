"""The canvas: what is painted where, at any size, under jit and vmap."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv.visualize import Canvas, font, palette
from jaxenv.visualize.canvas import canvas_class

pytestmark = pytest.mark.usefixtures("unoptimized")

VIEW = (0.0, 0.0, 32.0, 32.0)
RED, PAPER = palette.VERMILION, palette.WHITE


def drawn(paint, size=32, view=VIEW, background=PAPER):
    return np.asarray(jax.jit(lambda: paint(Canvas(size, view, background)).image())())


def painted(paint, size=32, view=VIEW):
    """Return how much of each pixel red covers, in what ``paint`` made of a white canvas."""
    full = 255.0 - np.float32(RED)
    return ((255.0 - drawn(paint, size, view).astype(np.float32)) @ full) / (full @ full)


def test_an_empty_canvas_shows_its_background():
    image = drawn(lambda c: c, (4, 6), background=palette.SKY)
    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8
    assert (image == palette.SKY).all()


@pytest.mark.parametrize(
    ("paint", "area"),
    [
        (lambda c: c.circle((16.0, 16.0), 8.0, RED), 64 * math.pi),
        (lambda c: c.circle((16.0, 16.0), 8.0, RED, stroke=2.0), 32 * math.pi),
        (lambda c: c.rectangle((16.0, 16.0), (10.0, 6.0), RED), 60),
        (lambda c: c.rectangle((16.0, 16.0), (10.0, 6.0), RED, angle=0.7), 60),
        (lambda c: c.rectangle((16.0, 16.0), (12.0, 12.0), RED, rounding=4.0), 144 - (4 - math.pi) * 16),
        (lambda c: c.rectangle((16.0, 16.0), (12.0, 8.0), RED, stroke=2.0), 14 * 10 - 10 * 6),
        (lambda c: c.line((6.0, 8.0), (24.0, 20.0), RED, width=4.0), 4 * math.hypot(18, 12) + 4 * math.pi),
        (lambda c: c.polygon(jnp.array([[4.0, 4.0], [28.0, 4.0], [16.0, 24.0]]), RED), 240),
        (lambda c: c.polygon(jnp.array([[16.0, 24.0], [28.0, 4.0], [4.0, 4.0]]), RED), 240),
        (lambda c: c.below(lambda x: 0.25 * x + 4.0, RED), 32 * 8),
        (lambda c: c.curve(lambda x: 0.5 * x + 8.0, RED, width=2.0), 2 * 32 * math.hypot(1, 0.5)),
        (lambda c: c.polyline(jnp.array([[4.0, 4.0], [4.0, 20.0], [20.0, 20.0]]), RED, width=2.0), 63 + 1.25 * math.pi),
        (lambda c: c.grid(jnp.eye(2, dtype=jnp.int32), [PAPER, RED], (0.0, 0.0, 16.0, 16.0)), 128),
    ],
    ids=[
        "disc", "circle", "box", "turned box", "rounded box", "frame", "line", "triangle", "clockwise triangle", "below", "curve",
        "polyline", "grid",
    ],
)  # fmt: skip
def test_a_shape_covers_its_area(paint, area):
    assert painted(paint).sum() == pytest.approx(area, rel=0.03)


def test_y_points_up_and_x_to_the_right():
    image = painted(lambda c: c.circle((28.0, 28.0), 2.0, RED))
    assert image[:8, 24:].sum() == pytest.approx(image.sum())


def test_row_zero_of_a_grid_is_on_top():
    cells = jnp.zeros((4, 4), jnp.int32).at[0, 3].set(1)
    image = painted(lambda c: c.grid(cells, [PAPER, RED], VIEW))
    assert image[:8, 24:].min() == pytest.approx(1.0, abs=0.01)
    assert image.sum() == pytest.approx(64, rel=0.01)


def test_a_gap_between_cells_shows_what_lies_below():
    image = drawn(lambda c: c.grid(jnp.zeros((4, 4), jnp.int32), [PAPER], VIEW, gap=2.0), background=palette.INK)
    assert (image[0] == palette.INK).all()
    assert (image[4, 4] == PAPER).all()


def test_edges_are_soft():
    image = painted(lambda c: c.rectangle((16.0, 16.0), (9.0, 9.0), RED))
    assert image[16, 11] == pytest.approx(0.5, abs=0.02)


def test_nothing_is_too_thin_to_be_seen():
    image = painted(lambda c: c.line((0.0, 16.5), (32.0, 16.5), RED).circle((8.5, 4.5), 0.0, RED))
    assert image[15].min() > 0.5
    assert image[27, 8] > 0.4


def test_a_leading_axis_draws_many_shapes_with_an_opacity_each():
    centers = jnp.array([[4.0, 16.0], [16.0, 16.0], [28.0, 16.0]])
    image = painted(lambda c: c.circle(centers, 2.0, RED, opacity=jnp.array([1.0, 0.0, 0.5])))
    assert [round(float(image[16, x]), 1) for x in (4, 16, 28)] == [1.0, 0.0, 0.5]


def test_a_line_without_length_is_a_dot():
    image = painted(lambda c: c.line((16.0, 16.0), (16.0, 16.0), RED, width=8.0))
    assert image.sum() == pytest.approx(16 * math.pi, rel=0.02)


def test_many_polygons_have_an_opacity_each():
    centers = jnp.array([[4.0, 16.0], [16.0, 16.0], [28.0, 16.0]])
    triangles = jnp.array([[0.0, 0.0], [4.0, 0.0], [2.0, 4.0]])[None] + centers[:, None, :]
    image = painted(lambda c: c.polygon(triangles, RED, opacity=jnp.array([True, False, True])))
    assert image.sum() == pytest.approx(16, rel=0.1)


def test_later_shapes_cover_earlier_ones():
    image = drawn(lambda c: c.circle((16.0, 16.0), 8.0, RED).circle((16.0, 16.0), 4.0, palette.BLUE))
    assert tuple(image[16, 16]) == palette.BLUE


def test_any_size_shows_the_whole_view_undistorted():
    wide = painted(lambda c: c.circle((16.0, 16.0), 16.0, RED), (40, 120)) > 0.5
    assert wide.any(axis=0).sum() == wide.any(axis=1).sum() == 40
    assert painted(lambda c: c.circle((16.0, 16.0), 8.0, RED), 64).sum() == pytest.approx(256 * math.pi, rel=0.01)


def test_the_number_of_pixels_does_not_move_the_picture():
    def paint(c):
        return c.circle((20.0, 12.0), 7.0, RED).rectangle((8.0, 24.0), (6.0, 4.0), RED)

    small, large = painted(paint), painted(paint, 96)
    np.testing.assert_allclose(large.reshape(32, 3, 32, 3).mean((1, 3)), small, atol=0.25)


def test_text_is_the_font_dot_by_dot():
    image = painted(lambda c: c.text("Ab 1", (4.0, 8.0), RED, height=7.0, align="left"), (16, 64), (0.0, 0.0, 64.0, 16.0))
    dots = font.bitmap("Ab 1")[:, :-1]
    top = round(8 - 3.5)
    np.testing.assert_allclose(image[top : top + 7, 4 : 4 + dots.shape[1]], dots, atol=0.01)
    assert image.sum() == pytest.approx(dots.sum(), rel=0.01)


def test_text_is_aligned_and_cut_at_the_border():
    def columns(**kwargs):
        return np.flatnonzero(painted(lambda c: c.text("HI", **kwargs, color=RED, height=7.0)).any(axis=0))

    assert columns(at=(2.0, 16.0), align="left")[0] == 2
    assert columns(at=(30.0, 16.0), align="right")[-1] <= 29
    assert abs(columns(at=(16.0, 16.0)).mean() - 15.5) < 2
    assert columns(at=(29.0, 16.0))[-1] == 31
    assert columns(at=(100.0, 16.0)).size == 0


def test_text_too_small_to_read_is_left_out():
    assert painted(lambda c: c.text("A", (16.0, 16.0), RED, height=5.0)).sum() == 0


@pytest.mark.parametrize(
    ("value", "digits", "decimals", "text"),
    [
        (7, 3, 0, "   7"),
        (-42, 3, 0, " -42"),
        (0, 2, 0, "  0"),
        (-123, 3, 0, "-123"),
        (3.14159, 2, 2, "  3.14"),
        (-0.5, 1, 1, "-0.5"),
        (-0.01, 1, 1, " 0.0"),
        (True, 1, 0, " 1"),
    ],
)
def test_a_number_is_written_like_its_text(value, digits, decimals, text):
    def canvas():
        return Canvas((16, 64), (0.0, 0.0, 64.0, 16.0))

    number = jax.jit(
        lambda v: canvas().number(v, (2.0, 8.0), RED, height=7.0, digits=digits, decimals=decimals, align="left").image()
    )
    expected = jax.jit(lambda: canvas().text(text, (2.0, 8.0), RED, height=7.0, align="left").image())()
    np.testing.assert_array_equal(number(value), expected)


def test_an_unknown_character_is_a_question_mark():
    np.testing.assert_array_equal(font.bitmap("a\u20ac"), font.bitmap("a?"))


def test_mix_is_a_choice_and_a_blend():
    np.testing.assert_array_equal(palette.mix(palette.BLACK, palette.WHITE, jnp.bool_(True)), [255] * 3)
    np.testing.assert_array_equal(palette.mix(palette.BLACK, (100, 200, 50), 0.5), [50, 100, 25])


def scene(x, size=24):
    cells = jnp.arange(4.0, dtype=x.dtype).reshape(2, 2) < x
    canvas = Canvas(size, VIEW).grid(cells, [PAPER, palette.SKY], VIEW)
    canvas = canvas.rectangle((x, 8.0), (4.0, 2.0), RED, angle=x).circle((x, 16.0), 2.0 + x / 8.0, palette.BLUE)
    return canvas.number(x, (16.0, 20.0), palette.INK, height=10.0).image()


def test_vmap_and_jit_draw_what_a_loop_draws():
    xs = jnp.linspace(0.0, 16.0, 7)
    draw = jax.jit(scene)
    np.testing.assert_array_equal(jax.jit(jax.vmap(scene))(xs), jnp.stack([draw(x) for x in xs]))


def test_x64_draws_the_same_picture():
    expected = jax.jit(scene)(jnp.float32(5.0))
    with enable_x64():
        np.testing.assert_array_equal(jax.jit(scene)(jnp.float64(5.0)), expected)


def test_a_legend_is_a_swatch_and_a_word_for_each_color():
    image = drawn(
        lambda c: c.legend([("ab", RED), ("c", palette.BLUE)], (1.0, 8.0), palette.INK, height=7.0),
        (16, 64),
        (0.0, 0.0, 64.0, 16.0),
    )
    red, blue, ink = (np.flatnonzero((image == color).all(-1).any(0)) for color in (RED, palette.BLUE, palette.INK))
    assert red[0] == 1
    assert red[-1] < ink[0] < blue[0] < ink[-1]
    assert (drawn(lambda c: c.legend([("ab", RED)], (1.0, 8.0), palette.INK, height=3.0)) == PAPER).all()


@pytest.mark.parametrize(("fraction", "area"), [(-1.0, 0.0), (0.0, 0.0), (0.25, 32.0), (1.0, 128.0), (7.0, 128.0)])
def test_a_meter_is_filled_from_the_left(fraction, area):
    image = painted(lambda c: c.meter(fraction, (0.0, 8.0, 32.0, 12.0), RED, background=PAPER))
    assert image.sum() == pytest.approx(area, abs=0.5)
    assert area == 0.0 or image[:, :8].sum() == pytest.approx(min(area, 32.0), abs=0.5)


def test_canvases_of_another_class_are_made_within_a_block():
    class Counting(Canvas):
        def circle(self, *args, **kwargs):
            counted.append(args)
            return super().circle(*args, **kwargs)

    counted = []

    def paint():
        return Canvas(32, VIEW).circle((16.0, 16.0), 8.0, RED).circle((4.0, 4.0), 1.0, RED)

    with canvas_class(Counting):
        inside = paint()
    assert isinstance(inside, Counting)
    assert len(counted) == 2
    assert type(paint()) is Canvas
    assert len(counted) == 2
    with pytest.raises(ZeroDivisionError), canvas_class(Counting):
        raise ZeroDivisionError
    assert type(paint()) is Canvas
