"""A canvas in pure JAX: shapes with soft edges, painted one over another.

Every pixel asks every shape how far away its edge is, so a picture is one elementwise function of the state. That is what lets
drawings run under ``jit`` and ``vmap``, thousands at once on an accelerator: nothing is scattered, nothing depends on the order
of memory::

    def draw(x, angle):
        canvas = Canvas(256, view=(-2.4, -1.2, 2.4, 3.6))
        canvas = canvas.rectangle((x, 0.0), (0.8, 0.4), palette.INK)
        return canvas.line((x, 0.0), (x + jnp.sin(angle), jnp.cos(angle)), palette.ORANGE, width=0.15).image()
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenv._sizes import is_size, whole
from jaxenv.errors import PictureSizeError
from jaxenv.visualize import distance, font, pixels
from jaxenv.visualize.palette import SILVER, WHITE, Color

Size: TypeAlias = "int | tuple[int, int]"
"""Height and width in pixels; one number for a square."""
Scalar: TypeAlias = "Array | np.ndarray | float | int | bool"
Point: TypeAlias = "tuple[Scalar, Scalar] | Array | np.ndarray"
"""A pair (x, y), or an array whose last axis is such a pair."""
Align: TypeAlias = Literal["left", "center", "right"]

SMALLEST_TEXT = 6.0
"""Text that would be less than this many pixels high cannot be read, and is left out."""


_class: ContextVar[type[Canvas] | None] = ContextVar("canvas class", default=None)


@contextmanager
def canvas_class(kind: type[Canvas]) -> Generator[None, None, None]:
    """Let ``Canvas(...)`` make canvases of a subclass within the block, such as one that records what is drawn.

    Functions that are compiled already draw as they did when they were traced: combine it with ``jax.disable_jit``.

    Args:
        kind: the subclass.
    """
    token = _class.set(kind)
    try:
        yield
    finally:
        _class.reset(token)


class Canvas:
    """A picture in the making. Each method returns a new canvas with one more shape on top; ``image()`` returns the pixels.

    Coordinates are the scene's own: ``view`` is ``(left, bottom, right, top)``, y points up, and the whole view is shown,
    centred and undistorted, whatever the size in pixels. Lengths and widths are in the same unit.

    A shape may be many: where its numbers have a leading axis, all are drawn, as one, in one colour. ``opacity`` hides (0) or
    shows (1) a shape, or each of many; it may depend on the state, and so may every number except sizes and the place of a text.
    No shape is drawn thinner than one pixel.

    Args:
        size: height and width in pixels, or one number for both.
        view: left, bottom, right and top of the scene.
        background: the colour of the paper.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Return a canvas of this class, or of the one that :func:`canvas_class` names."""
        kind = _class.get()
        return super().__new__(kind if kind is not None and issubclass(kind, cls) else cls)

    def __init__(
        self,
        size: Size = 256,
        view: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
        background: Color = WHITE,
    ) -> None:
        side = whole(size)
        pair = tuple(map(whole, side)) if isinstance(side, tuple | list) else (side, side)
        if len(pair) != 2 or not all(map(is_size, pair)):
            raise PictureSizeError(size)
        self.height, self.width = pair
        left, bottom, right, top = view
        self.pixel = max((right - left) / self.width, (top - bottom) / self.height)
        self._left = (left + right - self.width * self.pixel) / 2.0
        self._top = (top + bottom + self.height * self.pixel) / 2.0
        self._x = (self._left + (np.arange(self.width, dtype=np.float32)[None, :] + 0.5) * self.pixel).astype(np.float32)
        self._y = (self._top - (np.arange(self.height, dtype=np.float32)[:, None] + 0.5) * self.pixel).astype(np.float32)
        paper = jnp.asarray(background).astype(jnp.float32)
        self._planes = tuple(jnp.broadcast_to(paper[i], (self.height, self.width)) for i in range(3))

    # -- shapes ------------------------------------------------------------------------------------------------

    def circle(self, center: Point, radius: Scalar, color: Color, *, stroke: Scalar | None = None, opacity: Scalar = 1.0) -> Canvas:
        """Draw a disc, or its outline.

        Args:
            center: the centre (x, y), or many of shape (n, 2).
            radius: the radius, in the scene's unit.
            color: the colour, three numbers from 0 to 255.
            stroke: the width of the outline; None fills the disc.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the shape on top.
        """
        x, y, radius, pen, opacity = self._around(center, radius, 0.0 if stroke is None else stroke, opacity)
        if stroke is None:
            return self._paint(distance.disc(x, y, self._thick(radius, 0.5)), color, opacity)
        return self._paint(distance.ring(x, y, radius, self._thick(pen)), color, opacity)

    def line(self, start: Point, end: Point, color: Color, *, width: Scalar = 0.0, opacity: Scalar = 1.0) -> Canvas:
        """Draw a straight line with round ends.

        Args:
            start: where the line begins, (x, y) or many of shape (n, 2).
            end: where it ends, likewise.
            color: the colour.
            width: the width, in the scene's unit; at least one pixel is drawn.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the line on top.
        """
        (x0, y0), (x1, y1) = _pair(start), _pair(end)
        x, y, dx, dy, width, opacity = self._around((x0, y0), x1 - x0, y1 - y0, width, opacity)
        return self._paint(distance.segment(x, y, dx, dy, self._thick(width)), color, opacity)

    def polyline(self, points: Point, color: Color, *, width: Scalar = 0.0, opacity: Scalar = 1.0) -> Canvas:
        """Draw straight lines from each point to the next.

        Args:
            points: the points, an array of shape (n, 2).
            color: the colour.
            width: the width, in the scene's unit.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the lines on top.
        """
        x, y = _pair(points)
        return self.line((x[:-1], y[:-1]), (x[1:], y[1:]), color, width=width, opacity=opacity)

    def rectangle(
        self,
        center: Point,
        size: Point,
        color: Color,
        *,
        angle: Scalar | None = None,
        rounding: Scalar | None = None,
        stroke: Scalar | None = None,
        opacity: Scalar = 1.0,
    ) -> Canvas:
        """Draw a rectangle, or its outline.

        Args:
            center: the centre (x, y), or many of shape (n, 2).
            size: width and height, in the scene's unit.
            color: the colour.
            angle: how far it is turned counter-clockwise, rad; None for not at all.
            rounding: the radius of its corners; None for sharp ones.
            stroke: the width of the outline; None fills it.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the shape on top.
        """
        optional = [0.0 if value is None else value for value in (angle, rounding, stroke)]
        x, y, w, h, turn, radius, pen, opacity = self._around(center, *_pair(size), *optional, opacity)
        if angle is not None:
            x, y = distance.rotate(x, y, turn)
        w, h = self._thick(w, 0.5), self._thick(h, 0.5)
        w, h = w / 2.0, h / 2.0
        edge = distance.box(x, y, w, h) if rounding is None else distance.rounded_box(x, y, w, h, radius)
        return self._paint(edge if stroke is None else jnp.abs(edge) - self._thick(pen) / 2.0, color, opacity)

    def polygon(self, points: Point, color: Color, *, opacity: Scalar = 1.0) -> Canvas:
        """Draw a convex polygon.

        Args:
            points: its corners, an array of shape (n, 2), in either order around it.
            color: the colour.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the shape on top.
        """
        xs, ys = _pair(points)
        next_xs, next_ys = jnp.roll(xs, -1, axis=-1), jnp.roll(ys, -1, axis=-1)
        dx, dy = next_xs - xs, next_ys - ys
        # The normal that points outwards is on the right of an edge if the corners go counter-clockwise.
        turn = jnp.sign(jnp.sum(xs * next_ys - next_xs * ys, axis=-1, keepdims=True))
        scale = turn / jnp.maximum(jnp.sqrt(dx * dx + dy * dy), 1e-12)
        x, y, nx, ny = self._around((xs, ys), dy * scale, -dx * scale)
        shown = jnp.asarray(opacity).astype(jnp.float32)
        return self._paint(jnp.max(x * nx + y * ny, axis=-3), color, shown[..., None, None] if shown.ndim else shown)

    def curve(self, function: Callable[[Array], Array], color: Color, *, width: Scalar = 0.0, opacity: Scalar = 1.0) -> Canvas:
        """Draw the graph of a function.

        Args:
            function: a JAX function from an array of x to their y.
            color: the colour.
            width: the width of the pen, in the scene's unit.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the curve on top.
        """
        x = jnp.asarray(self._x)
        height, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
        away = jnp.abs(self._y - height) / jnp.sqrt(1.0 + slope * slope)
        return self._paint(
            away - self._thick(jnp.asarray(width).astype(jnp.float32)) / 2.0, color, jnp.asarray(opacity).astype(jnp.float32)
        )

    def below(self, function: Callable[[Array], Array], color: Color, *, opacity: Scalar = 1.0) -> Canvas:
        """Fill everything below the graph of a function.

        Args:
            function: a JAX function from an array of x to their y.
            color: the colour.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the area on top.
        """
        return self._paint(jnp.asarray(self._y) - function(jnp.asarray(self._x)), color, jnp.asarray(opacity).astype(jnp.float32))

    def grid(
        self,
        cells: Array | np.ndarray,
        palette: Sequence[Color] | Array | np.ndarray,
        view: tuple[float, float, float, float] | None = None,
        *,
        gap: float = 0.0,
    ) -> Canvas:
        """Draw a board: ``cells``, integers of shape (rows, columns), are places in ``palette``; row 0 is on top.

        Args:
            cells: the place in ``palette`` of each cell's colour.
            palette: the colours, a sequence or an array of shape (n, 3).
            view: left, bottom, right and top of the board; by default cells are 1 x 1 and the board's lower left corner is at 0, 0.
            gap: the space between two cells, where what lies below shows through.

        Returns:
            The canvas with the board on top.
        """
        rows, columns = cells.shape
        left, bottom, right, top = (0.0, 0.0, float(columns), float(rows)) if view is None else view
        across = (self._x[0] - left) * (columns / (right - left))
        down = (top - self._y[:, 0]) * (rows / (top - bottom))
        column, row = (np.clip(np.floor(v).astype(np.int32), 0, n - 1) for v, n in ((across, columns), (down, rows)))
        # One packed number a cell, spread to pixels by two small gathers with constant indices.
        many = (
            palette if isinstance(palette, np.ndarray | Array) else jnp.stack([jnp.asarray(c).astype(jnp.float32) for c in palette])
        )
        colors = jnp.asarray(many).astype(jnp.float32)
        packed = pixels.pack(colors[:, 0], colors[:, 1], colors[:, 2])[jnp.asarray(cells, jnp.int32)]
        packed = packed[:, column][row, :]
        planes = [((packed >> shift) & 0xFF).astype(jnp.float32) for shift in (0, 8, 16)]
        inset = gap / 2.0 / self.pixel
        wide, high = (right - left) / columns / self.pixel, (top - bottom) / rows / self.pixel
        inside = np.minimum(pixels.inside(across, column, wide, inset)[None, :], pixels.inside(down, row, high, inset)[:, None])
        return self._blend(jnp.asarray(inside), planes)

    # -- text --------------------------------------------------------------------------------------------------

    def text(
        self,
        text: str,
        at: tuple[float, float],
        color: Color,
        *,
        height: float,
        align: Align = "center",
        opacity: Scalar = 1.0,
    ) -> Canvas:
        """Write a line of text. Text of less than 6 pixels is left out.

        Args:
            text: the characters.
            at: where it stands, (x, y); it is vertically centred there.
            color: the colour.
            height: the height of capitals, in the scene's unit; each character is 6/7 of that wide.
            align: which part of the line is at ``at``: ``"left"``, ``"center"`` or ``"right"``.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the text on top.
        """
        return self._write(jnp.asarray(font.codes(text)), at, color, height, align, opacity)

    def number(
        self,
        value: Scalar,
        at: tuple[float, float],
        color: Color,
        *,
        height: float,
        digits: int = 3,
        decimals: int = 0,
        align: Align = "center",
        opacity: Scalar = 1.0,
    ) -> Canvas:
        """Write a number that may depend on the state, flush right in a field of fixed width.

        Args:
            value: the number.
            at: where it stands, (x, y).
            color: the colour.
            height: the height of digits, in the scene's unit.
            digits: digits before the point; the field has one more character for the sign.
            decimals: digits after the point.
            align: which part of the field is at ``at``: ``"left"``, ``"center"`` or ``"right"``.
            opacity: from 0, hidden, to 1, opaque.

        Returns:
            The canvas with the number on top.
        """
        value = jnp.asarray(value).astype(jnp.float32)
        whole = jnp.round(jnp.abs(value) * 10**decimals).astype(jnp.int32)
        powers = np.array([10**i for i in reversed(range(digits + decimals))], np.int32)
        shown = (whole >= powers) | (powers <= 10**decimals)
        blank, minus, point, zero = font.codes(" -.0")
        codes = jnp.where(shown, zero + whole // powers % 10, blank)
        sign = jnp.where((value < 0) & (whole > 0), minus, blank)
        # The sign stands left of the first digit that is shown.
        codes = jnp.where(~shown & jnp.append(shown[1:], True), sign, codes)
        codes = jnp.concatenate([jnp.where(shown[:1], sign, blank), codes])
        if decimals:
            codes = jnp.concatenate([codes[:-decimals], jnp.full((1,), point), codes[-decimals:]])
        return self._write(codes, at, color, height, align, opacity)

    def legend(
        self, entries: Sequence[tuple[str, Color]], at: tuple[float, float], color: Color, *, height: float, gap: float = 1.5
    ) -> Canvas:
        """Explain colours by a row of swatches, with a word beside each.

        Args:
            entries: pairs of word and colour.
            at: where the row begins, (x, y).
            color: the colour of the words.
            height: the height of capitals, in the scene's unit.
            gap: the space between two entries, in characters.

        Returns:
            The canvas with the legend on top.
        """
        canvas, (x, y) = self, at
        if height / self.pixel < SMALLEST_TEXT:
            return canvas
        advance = self._dot(height) * font.ADVANCE * self.pixel
        for word, swatch in entries:
            canvas = canvas.rectangle((x + height / 2.0, y), (height, height), swatch)
            canvas = canvas.text(word, (x + height + 0.6 * advance, y), color, height=height, align="left")
            x += height + (len(word) + 0.6 + gap) * advance
        return canvas

    def meter(self, fraction: Scalar, view: tuple[float, float, float, float], color: Color, background: Color = SILVER) -> Canvas:
        """Draw a bar that is filled from the left.

        Args:
            fraction: the filled share, from 0 to 1.
            view: left, bottom, right and top of the bar.
            color: the colour of the filled part.
            background: the colour of the rest.

        Returns:
            The canvas with the bar on top.
        """
        left, bottom, right, top = view
        middle, tall = (bottom + top) / 2.0, top - bottom
        filled = jnp.clip(jnp.asarray(fraction).astype(jnp.float32), 0.0, 1.0) * (right - left)
        canvas = self.rectangle(((left + right) / 2.0, middle), (right - left, tall), background)
        return canvas.rectangle((left + filled / 2.0, middle), (filled, tall), color, opacity=filled > 0.0)

    # -- the result --------------------------------------------------------------------------------------------

    def image(self) -> Array:
        """Return the picture, uint8[H, W, 3]."""
        # Packed, a pixel's three channels share one evaluation of all its shapes.
        red, green, blue = self._planes
        return jax.lax.bitcast_convert_type(pixels.pack(red, green, blue), jnp.uint8)[..., :3]

    # -- how it is done ----------------------------------------------------------------------------------------

    def _around(self, center: Point, *values: Scalar) -> tuple[Array, ...]:
        """Return all pixels relative to ``center``, and the values, with the leading axes of a shape that is many."""
        numbers = [jnp.asarray(value).astype(jnp.float32) for value in (*_pair(center), *values)]
        many = jnp.broadcast_shapes(*(number.shape for number in numbers))
        cx, cy, *rest = (jnp.broadcast_to(number, many)[..., None, None] if many else number for number in numbers)
        x, y = (jnp.asarray(axis.reshape((1,) * len(many) + axis.shape)) for axis in (self._x, self._y))
        return x - cx, y - cy, *rest

    def _thick(self, width: Array, pixels: float = 1.0) -> Array:
        return jnp.maximum(width, pixels * self.pixel)

    def _paint(self, edge: Array, color: Color, opacity: Array) -> Canvas:
        """Cover the inside of an edge, half-covering the pixels that it runs through."""
        cover = jnp.clip(0.5 - edge * (1.0 / self.pixel), 0.0, 1.0) * opacity
        if cover.ndim > 2:
            cover = jnp.max(cover, axis=tuple(range(cover.ndim - 2)))
        color = jnp.asarray(color).astype(jnp.float32)
        return self._blend(cover, [color[i] for i in range(3)])

    def _blend(self, cover: Array, planes: Sequence[Array]) -> Canvas:
        canvas = copy.copy(self)
        canvas._planes = tuple(below + cover * (above - below) for below, above in zip(self._planes, planes, strict=True))
        return canvas

    def _dot(self, height: float) -> int:
        """Return how many pixels wide a dot of the font is in text of this height."""
        return max(1, int(height / self.pixel / font.HEIGHT + 1e-6))

    def _write(self, codes: Array, at: tuple[float, float], color: Color, height: float, align: Align, opacity: Scalar) -> Canvas:
        """Copy glyphs dot by dot, each dot a whole number of pixels wide, so that they stay sharp at any size."""
        if height / self.pixel < SMALLEST_TEXT:
            return self
        dot = self._dot(height)
        dots = jnp.asarray(font.GLYPHS)[codes]
        dots = jnp.pad(dots, ((0, 0), (0, 0), (0, font.ADVANCE - dots.shape[2])))
        cover = jnp.moveaxis(dots, 0, 1).reshape(font.HEIGHT, -1)[:, :-1].repeat(dot, axis=0).repeat(dot, axis=1)
        tall, wide = cover.shape
        left = round((at[0] - self._left) / self.pixel - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[align])
        top = round((self._top - at[1]) / self.pixel - tall / 2.0)
        cover = cover[max(0, -top) : max(0, self.height - top), max(0, -left) : max(0, self.width - left)]
        top, left = max(0, top), max(0, left)
        below, right = max(0, self.height - top - cover.shape[0]), max(0, self.width - left - cover.shape[1])
        if 0 in cover.shape:
            return self
        cover = jnp.pad(cover, ((top, below), (left, right))).astype(jnp.float32) * jnp.asarray(opacity).astype(jnp.float32)
        color = jnp.asarray(color).astype(jnp.float32)
        return self._blend(cover, [color[i] for i in range(3)])


def _pair(point: Point) -> tuple[Array, Array]:
    """Return the x and the y of a point, or of many, as float32 arrays of one shape."""
    x, y = point if isinstance(point, tuple) else (point[..., 0], point[..., 1])
    x, y = jnp.asarray(x).astype(jnp.float32), jnp.asarray(y).astype(jnp.float32)
    shape = jnp.broadcast_shapes(x.shape, y.shape)
    return jnp.broadcast_to(x, shape), jnp.broadcast_to(y, shape)
