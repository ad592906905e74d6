"""An environment's ``render`` as JavaScript: the shapes that it draws, whose numbers are computed from the state.

While ``render`` is traced, canvases record their shapes (:class:`RecordingCanvas`) and paint nothing. The numbers of all shapes
are the results of one program on scalars, and the page draws the shapes with Canvas 2D.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxenv.engine.scalar import Leaf, ScalarProgram
from jaxenv.visualize import font
from jaxenv.visualize.canvas import Canvas, canvas_class

from jaxenv_web.errors import NotWritableError
from jaxenv_web.expressions import bare, decimal
from jaxenv_web.javascript import Tables, Writer, joined
from jaxenv_web.programs import Programs

POINTS = 129
"""Points of the polyline that stands for the graph of a function."""
LONG_ROW = 48
"""Elements of a row from which an operation on it is a loop; shorter ones are numbers, many of which are equal."""
SIZE = 256
"""Pixels of the picture that is recorded. Pages draw it at any size."""


@dataclass(frozen=True)
class Shape:
    """One call of a canvas: what is drawn, and with which arrays."""

    method: str
    """The function of ``canvas.js`` that draws it."""
    arguments: tuple[str | tuple[str, Any], ...]
    """Its arguments: strings, which stand for themselves in JavaScript, and arrays, each with its role such as ``color``."""


class RecordingCanvas(Canvas):
    """A canvas that keeps its shapes instead of painting them."""

    shapes: tuple[Shape, ...] = ()
    finished: list[RecordingCanvas]
    """The canvases whose picture was asked for, in order."""
    view: tuple[float, ...] = ()
    background: Any = None

    def __init__(self, size: Any = SIZE, view: Any = (0.0, 0.0, 1.0, 1.0), background: Any = (255, 255, 255)) -> None:
        super().__init__(size, view, background)
        self._planes = ()
        self.view, self.background = view, background

    def image(self) -> Array:
        """Keep this canvas as the picture; return an empty one."""
        type(self).finished.append(self)
        return jnp.zeros((self.height, self.width, 3), jnp.uint8)

    def circle(self, center: Any, radius: Any, color: Any, *, stroke: Any = None, opacity: Any = 1.0) -> Canvas:
        x, y, radius, pen, opacity = _many(*_xy(center), radius, -1.0 if stroke is None else stroke, opacity)
        return self._with("circle", x, y, radius, pen, color=color, opacity=opacity)

    def line(self, start: Any, end: Any, color: Any, *, width: Any = 0.0, opacity: Any = 1.0) -> Canvas:
        *numbers, opacity = _many(*_xy(start), *_xy(end), width, opacity)
        return self._with("line", *numbers, color=color, opacity=opacity)

    def polyline(self, points: Any, color: Any, *, width: Any = 0.0, opacity: Any = 1.0) -> Canvas:
        x, y = _xy(points)
        if x.ndim > 1 or np.ndim(width) or np.ndim(opacity):
            return super().polyline(points, color, width=width, opacity=opacity)
        return self._with("path", x, y, _number(width), color=color, opacity=opacity)

    def rectangle(
        self,
        center: Any,
        size: Any,
        color: Any,
        *,
        angle: Any = None,
        rounding: Any = None,
        stroke: Any = None,
        opacity: Any = 1.0,
    ) -> Canvas:
        optional = (0.0 if angle is None else angle, 0.0 if rounding is None else rounding, -1.0 if stroke is None else stroke)
        *numbers, opacity = _many(*_xy(center), *_xy(size), *optional, opacity)
        return self._with("rectangle", *numbers, color=color, opacity=opacity)

    def polygon(self, points: Any, color: Any, *, opacity: Any = 1.0) -> Canvas:
        x, y = _xy(points)
        return self._with("polygon", x, y, str(x.shape[-1]), color=color, opacity=opacity)

    def curve(self, function: Callable[[Array], Array], color: Any, *, width: Any = 0.0, opacity: Any = 1.0) -> Canvas:
        x, y = self._graph(function)
        return self._with("path", x, y, _number(width), color=color, opacity=opacity)

    def below(self, function: Callable[[Array], Array], color: Any, *, opacity: Any = 1.0) -> Canvas:
        x, y = self._graph(function)
        return self._with("below", x, y, color=color, opacity=opacity)

    def grid(self, cells: Any, palette: Any, view: Any = None, *, gap: float = 0.0) -> Canvas:
        rows, columns = cells.shape
        view = (0.0, 0.0, float(columns), float(rows)) if view is None else view
        colors = jnp.stack([_number(color) for color in palette])
        sizes = [str(rows), str(columns), *(decimal(v) for v in view), decimal(gap)]
        return self._with("grid", *sizes, cells=jnp.asarray(cells).astype(jnp.int32), colors=colors)

    def _write(self, codes: Any, at: Any, color: Any, height: float, align: str, opacity: Any) -> Canvas:
        x, y = at
        where = decimal(x), decimal(y), decimal(height), f'"{align}"'
        return self._with("text", *where, codes=jnp.asarray(codes), color=color, opacity=opacity)

    def _graph(self, function: Callable[[Array], Array]) -> tuple[Any, Any]:
        """Return points of the graph of a function, beyond both sides of the view."""
        half = self.width * self.pixel / 2.0
        middle = float(self._left) + half
        x = np.linspace(middle - 1.02 * half, middle + 1.02 * half, POINTS, dtype=np.float32)
        try:  # what depends on no state is a table of constants
            with jax.ensure_compile_time_eval():
                return x, np.asarray(function(jnp.asarray(x[None, :])))[0]
        except jax.errors.JAXTypeError:
            return x, function(jnp.asarray(x[None, :]))[0]

    def _with(self, method: str, *numbers: Any, **named: Any) -> Canvas:
        canvas = copy.copy(self)
        arguments = [x if isinstance(x, str) else ("number", x) for x in numbers]
        named = {role: x if role in ("cells", "codes") else _number(x) for role, x in named.items()}
        canvas.shapes = (*self.shapes, Shape(method, (*arguments, *named.items())))
        return canvas


def _number(value: Any) -> Array:
    """Return float32."""
    return jnp.asarray(value).astype(jnp.float32)


def _xy(point: Any) -> tuple[Array, ...]:
    """Return x and y of a point, or of many."""
    return _many(*(point if isinstance(point, tuple) else (point[..., 0], point[..., 1])))


def _many(*values: Any) -> tuple[Array, ...]:
    """Return the numbers of a shape that may be many: arrays in one shape, and scalars."""
    numbers = [_number(value) for value in values]
    shape = jnp.broadcast_shapes(*(x.shape for x in numbers))
    return tuple(jnp.broadcast_to(x, shape) if x.shape else x for x in numbers)


@dataclass(frozen=True)
class Drawing:
    """The picture of an environment."""

    program: ScalarProgram
    """From ``state``, its observation and ``params`` to the numbers of all shapes."""
    shapes: tuple[tuple[str, tuple[int | str, ...]], ...]
    """For each shape its method, and its arguments: strings, or the numbers of results of the program."""
    view: tuple[float, ...]
    """Left, bottom, right and top of the scene."""
    size: tuple[int, int]
    """Height and width in pixels of the picture that ``render`` makes."""

    @property
    def writes(self) -> bool:
        """Whether there is any text in it."""
        return any(method == "text" for method, _ in self.shapes)

    def source(self, tables: Tables) -> str:
        """Return the JavaScript function ``draw(c, s, o, p)``, which draws a state on a canvas ``c`` of ``canvas.js``."""
        writer = Writer(self.program, {"state": "s", "obs": "o", "params": "p"}, tables, longest=1000)
        writer.statements()
        values = [_shown(writer, elements, leaf) for elements, leaf in writer.outputs]
        lines = joined(writer.lines)
        for method, arguments in self.shapes:
            texts = [x if isinstance(x, str) else values[x] for x in arguments]
            lines.append(f"c.{method}({', '.join(map(bare, texts))});")
        return "\n".join(["function draw(c, s, o, p) {", *(f"  {line}" for line in lines), "}"])


def record(programs: Programs, size: Any = SIZE) -> Drawing:
    """Return the drawing of an environment.

    Args:
        programs: the programs of the environment.
        size: height and width in pixels of the picture, or one number for both.

    Raises:
        RenderNotSupportedError: the environment draws nothing.
        NotWritableError: its picture is not made of shapes on one canvas, or can't be taken apart.
    """
    canvases: list[RecordingCanvas] = []
    kind = type("Canvas", (RecordingCanvas,), {"finished": canvases})
    shapes: list[tuple[str, tuple[int | str, ...]]] = []
    roles: list[str] = []

    def draw(state: Any, obs: Any, params: Any) -> tuple[Array, ...]:
        for found in (canvases, shapes, roles):
            found.clear()
        with canvas_class(kind), jax.disable_jit():
            observed(programs.env, state, obs).render(state, params, size)
        if len(canvases) != 1:
            return ()
        canvas, numbers = canvases[0], list[Array]()
        begin = Shape("begin", (*map(decimal, canvas.view), ("color", _number(canvas.background))))
        for shape in (begin, *canvas.shapes):
            arguments: list[int | str] = []
            for x in shape.arguments:
                arguments.append(x if isinstance(x, str) else len(numbers))
                if not isinstance(x, str):
                    roles.append(x[0])
                    numbers.append(x[1])
            shapes.append((shape.method, tuple(arguments)))
        return tuple(numbers)

    jax.eval_shape(draw, *(programs.shapes[name] for name in ("state", "obs", "params")))
    if len(canvases) != 1:
        raise NotWritableError(programs.env.name, "the picture", f"{len(canvases) or 'no'} canvases, where one was expected")
    results = " ".join(f"{role}{i}" for i, role in enumerate(roles))
    program = programs.program("the picture", draw, "state obs params", results, shortest_row=LONG_ROW)
    canvas = canvases[0]
    return Drawing(program, tuple(shapes), tuple(canvas.view), (canvas.height, canvas.width))


def observed(env: Any, state: Any, obs: Any) -> Any:
    """Return the environment with ``observe`` already computed for a state, so that a picture of an observation is small."""
    known, observe = jax.tree.leaves(state), env.observe

    def look(now: Any, params: Any) -> Any:
        same = all(a is b for a, b in zip(jax.tree.leaves(now), known, strict=True))
        return obs if same else observe(now, params)

    env = copy.copy(env)
    object.__setattr__(env, "observe", look)
    return env


def characters() -> str:
    """Return the characters of the font, in the order of their glyphs."""
    glyphs: dict[int, str] = {}
    for code in (*range(32, 127), *range(0x2190, 0x2194)):
        glyphs.setdefault(int(font.codes(chr(code))[0]), chr(code))
    glyphs[int(font.codes("?")[0])] = "?"
    return "".join(glyphs.get(i, "?") for i in range(len(font.GLYPHS)))


def glyphs() -> str:
    """Return the font as hexadecimal digits: for each glyph five columns of seven dots, the lowest bit of a column on top."""
    return np.packbits(font.GLYPHS, axis=1, bitorder="little").reshape(-1).astype(np.uint8).tobytes().hex()


def _shown(writer: Writer, elements: Sequence[Any], leaf: Leaf) -> str:
    """Return an argument of a shape: colours and texts that are known as strings, other numbers in few digits."""
    role = leaf.name.rstrip("0123456789")
    if not all(isinstance(x, np.generic) for x in elements):
        return writer.output(elements, leaf)
    known = [x.item() for x in elements]
    match role:
        case "codes":
            return json.dumps("".join(characters()[code] for code in known), ensure_ascii=False)
        case "color":
            return f'"{_hex(known)}"'
        case "colors":
            return f'"{" ".join(_hex(known[i : i + 3]) for i in range(0, len(known), 3))}".split(" ")'
        case "cells":
            return writer.output(elements, leaf)
        case _:
            numbers = [decimal(x) for x in known]
            return f"[{', '.join(numbers)}]" if leaf.shape else numbers[0]


def _hex(color: Sequence[float]) -> str:
    return "#" + "".join(f"{round(min(max(x, 0.0), 255.0)):02x}" for x in color)
