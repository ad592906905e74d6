"""Products of matrices by the threads of a block, on tensor cores, as the text of a kernel.

A warp multiplies tiles of 16 x 8 by 8 x 8 numbers (see ``multiply_tiles`` in the prelude). Its thread ``4 g + t`` holds elements of
rows and columns that depend on ``g`` and ``t``. Which row, column or term of the sum that is may be chosen freely, as long as both
factors agree. So they are chosen such that a thread reads neighbours in shared memory, two or four at once.

Tensor cores multiply numbers with 10 bits of mantissa. In an exact product each number is the sum of a high and a low part, and
three products are added: the product of both low parts is below what float32 rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxenv.engine.cuda.source import Text


@dataclass(frozen=True)
class Matrix:
    """A matrix in shared memory: how an element is read, as C with ``{row}`` and ``{column}``."""

    element: str
    along: str = "columns"
    """``"columns"`` where the elements of a row are neighbours in memory, ``"rows"`` where those of a column are."""
    integers: bool = False
    """Whether elements are bytes, which have no low part; else they are float32."""

    def at(self, row: str, column: str) -> str:
        """Return the expression."""
        return self.element.format(row=row, column=column)

    def neighbours(self, count: int) -> tuple[str, Callable[[str], str]]:
        """Return the type of so many neighbours, and from the number of one to the expression of it in ``v``, as a float."""
        if self.integers:
            return f"uint{8 * count}_t", lambda i: f"byte_to_f32((uint8_t)(v >> 8 * {i}))"
        return f"floats{count}", lambda i: f"v.floats[{i}]"

    @property
    def transposed(self) -> Matrix:
        """The same, transposed."""
        along = "rows" if self.along == "columns" else "columns"
        return Matrix(self.element.format(row="{column}", column="{row}"), along, self.integers)


MOST_TILES = 16
"""Tiles that a warp has registers for, if the left matrix has no low part; half as many if it has."""


def _shapes(columns: int, most: int) -> list[tuple[int, int]]:
    """Return how many tiles of 16 rows and of 8 columns a warp may compute at once."""
    return [(a, b) for a in (1, 2) for b in (1, 2, 4, 8) if columns // 8 % b == 0 and a * b <= most]


def _rounds(rows: int, columns: int, shape: tuple[int, int], warps: int) -> int:
    """Return how often the warps of a block have to compute so many tiles."""
    down, across = shape
    return -(-(-(-rows // (16 * down)) * (columns // (8 * across))) // warps)


def shapes_at_once(rows: int, columns: int, warps: int) -> list[tuple[int, int]]:
    """Return the shapes with which the warps of a block compute a product at once; what is streamed needs one."""
    return [shape for shape in _shapes(columns, MOST_TILES) if _rounds(rows, columns, shape, warps) == 1]


@dataclass(frozen=True)
class Product:
    """A product of a left matrix ``[rows, inner]`` by a right one ``[inner, columns]``."""

    rows: int
    columns: int
    """A multiple of 8."""
    inner: int
    """A multiple of 8."""
    left: Matrix
    right: Matrix
    warps: int
    """Warps of a block."""
    exact: bool
    """Whether the product is as exact as float32's."""
    together: bool = True
    """Whether a thread should have neighbouring columns, if it can. It reads and writes shared memory faster then; other memory is
    written faster if the neighbours of a number belong to neighbouring threads."""
    streamed: int = 0
    """Rows of the right matrix that are in shared memory at once; 0 for all of them. Every warp then has at most one part."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many tiles of 16 rows and of 8 columns a warp computes at once, so that all warps are done soonest."""

        def cost(shape: tuple[int, int]) -> float:
            down, across = shape
            return _rounds(self.rows, self.columns, shape, self.warps) * (4 * down + 2 * across + 2.5 * down * across)

        if self.streamed:
            return min(shapes_at_once(self.rows, self.columns, self.warps), key=cost)
        return min(_shapes(self.columns, MOST_TILES if self.left.integers else MOST_TILES // 2), key=cost)

    @property
    def rows_together(self) -> bool:
        """Whether a thread has neighbouring rows."""
        return self.left.along == "rows"

    @property
    def columns_together(self) -> bool:
        """Whether a thread has neighbouring columns."""
        return self.together and self.right.along == "columns" and self.shape[1] > 1

    @property
    def step(self) -> str:
        """The name of the function that multiplies the tiles that a warp has read."""
        kind = ("_exactly" + "_integers" * self.left.integers) if self.exact else ""
        return f"multiply{kind}_{self.shape[0]}_{self.shape[1]}"

    def row(self, i: str, half: str) -> str:
        """Return the row of a thread's element in tile ``i``, ``half`` 0 or 1."""
        down = self.shape[0]
        return f"row0 + {2 * down} * g + 2 * {i} + {half}" if self.rows_together else f"row0 + 16 * {i} + 8 * {half} + g"

    def column(self, j: str, one: str) -> str:
        """Return the column of a thread's element in tile ``j``, ``one`` 0 or 1."""
        across = self.shape[1]
        return f"column0 + {across} * (2 * t + {one}) + {j}" if self.columns_together else f"column0 + 8 * {j} + 2 * t + {one}"

    def write(
        self,
        text: Text,
        store: Callable[[int], list[str]],
        begin: str = "",
        column_sum: str = "",
        stream: tuple[list[str], list[str]] = ([], []),
    ) -> None:
        """Write the product.

        Args:
            text: where to.
            store: from a number of neighbouring columns to C that stores them: ``v[...]``, from ``row`` and ``column`` on.
            begin: C that gives ``sum`` its first value, from ``row`` and ``column``, where that is not 0.
            column_sum: C that stores ``sum``, the sum of the right matrix's column ``column``, where that is wanted.
            stream: if ``streamed``, C before the first rows of the right matrix are needed, and before rows from ``k0`` on are.
        """
        down, across = self.shape
        strips = self.columns // (8 * across)
        tiles = -(-self.rows // (16 * down)) * strips
        begun = [
            f"const int32_t row0 = part / {strips} * {16 * down}, column0 = part % {strips} * {8 * across};",
            "const int32_t t = LANE % 4, g = LANE / 4;",
            f"float sums[{down}][{across}][4] = {{0}};",
        ]
        if self.streamed:
            text.add("{", "const int32_t part = WARP_IN_BLOCK;", *begun)
            text.add(*stream[0], f"for (int32_t k0 = 0; k0 < {self.inner}; k0 += {self.streamed}) {{", *stream[1])
            text.add(f"if (part < {tiles}) {{", f"const int32_t end = min(k0 + {self.streamed}, {self.inner});")
            self._multiply(text, "k0", "end")
            text.add("}", "}", f"if (part < {tiles}) {{")
            self._store(text, store)
            text.add("}", "}")
            return
        text.add(f"for (int32_t part = WARP_IN_BLOCK; part < {tiles}; part += {self.warps}) {{", *begun)
        if column_sum:
            text.add(f"float totals[{across}] = {{0}};")
        if begin:
            text.add(
                *_loops(i=down, j=across, c=4),
                f"const int32_t row = {self.row('i', 'c / 2')}, column = {self.column('j', 'c % 2')};",
                "float sum = 0.0f;",
                begin,
                "sums[i][j][c] = sum;",
                *"}}}",
            )
        self._multiply(text, "0", str(self.inner), column_sum != "")
        self._store(text, store)
        if column_sum:
            column = f"column0 + {across} * g + j" if self.columns_together else "column0 + 8 * j + g"
            text.add(
                *_loops(j=across),
                f"const int32_t column = {column};",
                "float sum = totals[j];",
                "sum += SHUFFLE_XOR(sum, 1);",
                "sum += SHUFFLE_XOR(sum, 2);",
                "if (row0 == 0 && t == 0) {",
                column_sum,
                *"}}",
            )
        text.add("}")

    def _multiply(self, text: Text, begin: str, end: str, totals: bool = False) -> None:
        """Add products over a range of the inner index to a thread's sums."""
        down, across = self.shape
        text.add(
            "UNROLL_2" if self.inner > 8 else "UNROLL",
            f"for (int32_t k = {begin}; k < {end}; k += 8) {{",
            f"float a[{down}][4], b[{across}][2];",
        )
        self._read(text)
        text.add(f"{self.step}(sums, a, b);")
        if totals:
            text.add("UNROLL", f"for (int32_t j = 0; j < {across}; ++j) totals[j] += b[j][0] + b[j][1];")
        text.add("}")

    def _read(self, text: Text) -> None:
        """Read a warp's tiles of both factors."""
        down, across = self.shape
        left, right = self.left, self.right
        paired = left.along == "columns" or right.along == "rows"  # which terms of the sum a thread has
        term = "k + 2 * t + {}" if paired else "k + t + 4 * {}"
        if left.along == "columns":
            kind, one = left.neighbours(2)
            text.add(
                *_loops(i=down, half=2),
                f"const int32_t row = {self.row('i', 'half')};",
                f"const {kind} v = *(const {kind}*)&{left.at('row', '(k + 2 * t)')};",
                f"a[i][half] = {one('0')}; a[i][half + 2] = {one('1')};",
                *"}}",
            )
        else:
            count = 2 * down
            kind, one = left.neighbours(count)
            first = left.at(f"(row0 + {count} * g)", f"({term.format('j')})")
            text.add(
                *_loops(j=2),
                f"const {kind} v = *(const {kind}*)&{first};",
                "UNROLL",
                f"for (int32_t i = 0; i < {count}; ++i) a[i / 2][i % 2 + 2 * j] = {one('i')};",
                "}",
            )
        if right.along == "rows":
            text.add(
                *_loops(i=across),
                f"const floats2 v = *(const floats2*)&{right.at('(k + 2 * t)', '(column0 + 8 * i + g)')};",
                "b[i][0] = v.floats[0]; b[i][1] = v.floats[1];",
                "}",
            )
        elif self.columns_together:
            count = min(across, 4)
            first = right.at(f"({term.format('j')})", f"(column0 + {across} * g + {count} * part)")
            text.add(
                *_loops(j=2, part=across // count),
                f"const floats{count} v = *(const floats{count}*)&{first};",
                "UNROLL",
                f"for (int32_t i = 0; i < {count}; ++i) b[{count} * part + i][j] = v.floats[i];",
                *"}}",
            )
        else:
            text.add(
                *_loops(i=across, j=2),
                f"const int32_t row = {term.format('j')}, column = column0 + 8 * i + g;",
                f"b[i][j] = {right.at('row', 'column')};",
                *"}}",
            )

    def _store(self, text: Text, store: Callable[[int], list[str]]) -> None:
        """Store what a thread has, neighbouring columns together."""
        down, across = self.shape
        text.add(*_loops(i=down, half=2), f"const int32_t row = {self.row('i', 'half')};")
        if self.columns_together:
            text.add(
                *_loops(one=2),
                f"const int32_t column = column0 + {across} * (2 * t + one);",
                f"float v[{across}];",
                "UNROLL",
                f"for (int32_t j = 0; j < {across}; ++j) v[j] = sums[i][j][2 * half + one];",
                *store(across),
                "}",
            )
        else:
            text.add(
                *_loops(j=across),
                "const int32_t column = column0 + 8 * j + 2 * t;",
                "float v[2] = {sums[i][j][2 * half], sums[i][j][2 * half + 1]};",
                *store(2),
                "}",
            )
        text.add(*"}}")

    def write_step(self, text: Text) -> None:
        """Write the function :attr:`step`."""
        down, across = self.shape
        text.add(
            f"INLINE void {self.step}(float (*sums)[{across}][4], float (*a)[4], float (*b)[2]) {{",
            f"float ah[{down}][4], bh[{across}][2], al[{down}][4], bl[{across}][2];",
        )
        numbers = [("b", "[i / 2][i % 2]", 2 * across)]
        numbers += [("a", "[i / 4][i % 4]", 4 * down)] if not self.left.integers else []
        for name, at, count in numbers:
            text.add("UNROLL", f"for (int32_t i = 0; i < {count}; ++i) {name}h{at} = tf32({name}{at});")
            if self.exact:
                text.add("UNROLL", f"for (int32_t i = 0; i < {count}; ++i) {name}l{at} = tf32({name}{at} - {name}h{at});")
        high = "a" if self.left.integers else "ah"
        pairs = [(high, "bh")]
        if self.exact:
            pairs = [(high, "bl"), *([] if self.left.integers else [("al", "bh")]), *pairs]
        for one, other in pairs:
            text.add(*_loops(i=down, j=across), f"multiply_tiles(sums[i][j], {one}[i], {other}[j]);", *"}}")
        text.add("}")


def _loops(**sizes: int) -> Sequence[str]:
    """Return the heads of unrolled loops."""
    return [line for name, size in sizes.items() for line in ("UNROLL", f"for (int32_t {name} = 0; {name} < {size}; ++{name}) {{")]
