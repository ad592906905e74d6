"""The text of the kernels: the loss gradient of a tile of samples by a block of threads, and the sum over the blocks.

A block takes a tile of samples through one tower, layer by layer: forward, the loss, backward. All activations of the tile stay in
shared memory, one row a sample. Derivatives by a layer's sums replace its activations, once nothing needs those any more. What
takes time are products of matrices (:mod:`~jaxenv_baselines.kernels.products`):

* forward: ``activations [samples, inputs] x kernel [inputs, outputs]``;
* backward: ``derivatives [samples, outputs] x kernel transposed``;
* gradient of a kernel: ``activations transposed x derivatives``, a sum over the samples.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
from jaxenv.engine.cuda.expressions import name
from jaxenv.engine.cuda.source import Kernel, Text, statements
from jaxenv.engine.scalar import Leaf, ScalarProgram, UnsupportedError, scalarize

from jaxenv_baselines.kernels.products import Matrix, Product, shapes_at_once
from jaxenv_baselines.kernels.shuffle import ROUNDS, permuted
from jaxenv_baselines.kernels.towers import Tower, Towers

THREADS = 256
"""Threads of a block of the second kernel."""
MOST_BLOCKS = 264
"""Blocks of a member, if two share a multiprocessor; each takes several tiles if there are more."""
MOST_COPIED = 16_384
"""Weights of a layer up to which they are copied into shared memory: a thread holds its part in registers for a moment."""
STREAMED = 64
"""Rows of the first kernel that are in shared memory at once, if it is too large to be copied."""
COLUMNS = 64
"""Columns that a block of the second kernel sums."""


@dataclass(frozen=True)
class Sizes:
    """What the text of a kernel depends on besides the towers."""

    samples: int
    """Samples to draw minibatches from."""
    minibatch: int
    """Samples in a minibatch; divides ``samples``."""
    fields: int
    """Fields of a sample."""
    numbers: int
    """Numbers shared by all samples."""
    integers: bool
    """Whether inputs are integers of one byte, such as flags; else they are float32."""
    exact: bool
    """Whether products are as exact as float32's; else they are those of tensor cores, with 10 bits of mantissa."""
    shared: tuple[int, int]
    """Bytes of shared memory that a block may use if two blocks share a multiprocessor, and if one has it alone."""


def shared_memory(capability: tuple[int, int]) -> tuple[int, int]:
    """Return the bytes of shared memory for each of two blocks of a multiprocessor, and for one alone."""
    alone = {(8, 0): 163, (8, 7): 163, (9, 0): 227, (10, 0): 227, (10, 3): 227, (11, 0): 227}.get(capability, 99)
    return 1024 * (alone // 2), 1024 * alone


def padded(number: int, to: int = 8) -> int:
    """Return the smallest multiple that is not smaller."""
    return -(-number // to) * to


def _row(columns: int, modulus: int, rest: int) -> int:
    """Return the length of a row in shared memory: such that threads that read neighbouring rows use different banks."""
    return columns + (rest - columns) % modulus


class Layout:
    """How a block uses its shared memory; offsets in floats.

    Args:
        towers: the networks.
        sizes: the other sizes.
        tile: samples of a tile.
        streamed: whether the first kernel is not copied as a whole.
        warps: warps of a block.
    """

    def __init__(self, towers: Towers, sizes: Sizes, tile: int, streamed: bool, warps: int) -> None:
        self.tile, self.streamed = tile, streamed
        self.warps = warps
        """Warps of a block."""
        self.threads = 32 * warps
        self.outputs = padded(max(tower.layers[-1].outputs for tower in towers.towers))
        """Linear outputs, padded."""
        self.widths = (*towers.widths, self.outputs)
        """Padded outputs of each layer."""
        self.depths = (padded(towers.inputs), *towers.widths)
        """Padded inputs of each layer."""
        self.input_row = _row(padded(towers.inputs, 16), 32, 16) if sizes.integers else _row(padded(towers.inputs), 32, 8)
        self.rows = tuple(_row(width, 32, 8) for width in self.widths)
        """Lengths of rows of activations, the last of outputs."""
        self.kernel_rows = tuple(_row(width, 16, 4) for width in self.widths)
        self.sums = max(tower.extra + tower.reported for tower in towers.towers)
        """Sums over the samples of numbers that are no layer's outputs."""
        self.size = 0
        self.inputs = self._take(tile * self.input_row // (4 if sizes.integers else 1))
        depths = (STREAMED if streamed else self.depths[0], *self.depths[1:])
        self.kernels = tuple(self._take(depth * row) for depth, row in zip(depths, self.kernel_rows, strict=True))
        self.biases = tuple(self._take(width) for width in self.widths)
        self.activations = tuple(self._take(tile * row) for row in self.rows)
        self.reduced = self._take(warps * self.sums)
        self.place = self._take(tile)

    def _take(self, floats: int) -> int:
        begin = self.size
        self.size += padded(floats, 4)
        return begin


@cache
def layout(towers: Towers, sizes: Sizes) -> Layout | None:
    """Return the layout with the largest tile that fits into shared memory, or None."""
    widths = towers.widths
    copied = [padded(towers.inputs) * widths[0], *(a * b for a, b in itertools.pairwise(widths))]
    if any(size > MOST_COPIED for size in copied[1:]):
        return None
    for tile in (128, 64, 32, 16):
        for limit, warps in zip(sizes.shared, (8, 16), strict=True):
            for streamed in (False, True):
                plan = Layout(towers, sizes, tile, streamed, warps)
                possible = shapes_at_once(tile, widths[0], warps) if streamed else copied[0] <= MOST_COPIED
                if possible and 4 * plan.size <= limit:
                    return plan
    return None


def unsupported(towers: Towers, sizes: Sizes) -> str:
    """Return why there is no kernel for such towers, or an empty string."""
    if not towers.widths:
        return "no hidden layer"
    if any(width % 8 or width > 256 for width in towers.widths):
        return f"hidden layers of {towers.widths} units, of which each must be a multiple of 8 up to 256"
    if max(tower.outputs for tower in towers.towers) > 64:
        return "more than 64 outputs"
    if layout(towers, sizes) is None:
        return "layers that do not fit into a block's shared memory"
    return ""


def groups(towers: Towers, sizes: Sizes) -> int:
    """Return how many blocks share the tiles of a tower and member."""
    plan = layout(towers, sizes)
    assert plan is not None
    most = MOST_BLOCKS * 8 // plan.warps // len(towers.towers)
    return min(-(-sizes.minibatch // plan.tile), most)


def gradient_kernel(towers: Towers, sizes: Sizes) -> Kernel:
    """Return the kernel that writes each block's share of the gradient.

    Its block ``(member * groups + group) * towers + tower`` takes tiles ``group``, ``group + groups``, ... of one tower.
    """
    plan = layout(towers, sizes)
    assert plan is not None
    return _Gradient(towers, sizes, plan).kernel()


class _Gradient:
    """Writes the first kernel."""

    def __init__(self, towers: Towers, sizes: Sizes, plan: Layout) -> None:
        self.towers, self.sizes, self.plan = towers, sizes, plan
        self.tiles = -(-sizes.minibatch // plan.tile)
        self.groups = groups(towers, sizes)
        self.layers = len(towers.widths) + 1
        self.text = Text(depth=1)
        self.steps: dict[str, Product] = {}

    def kernel(self) -> Kernel:
        """Return the kernel."""
        towers, sizes, plan = self.towers, self.sizes, self.plan
        self._begin()
        self.text.add(f"for (int32_t tile = group; tile < {self.tiles}; tile += {self.groups}) {{")
        self._read_samples()
        for layer in range(self.layers):
            self._forward(layer)
        self._losses()
        for layer in reversed(range(self.layers)):
            self._backward(layer)
        self.text.add("SYNC_BLOCK;", "}", "}")

        head = Text()
        for product in self.steps.values():
            product.write_step(head)
        x = "uint8_t" if sizes.integers else "float"
        head.add(
            f"{'KERNEL_2' if plan.warps == 8 else 'KERNEL'}({plan.threads}) jaxenv_gradient("
            "const int32_t* __restrict__ sizes, const float* __restrict__ all_weights, "
            "const int32_t* __restrict__ all_minibatches, const uint32_t* __restrict__ all_words, "
            f"const {x}* __restrict__ all_x, const float* __restrict__ all_fields, const float* __restrict__ all_numbers, "
            "float* __restrict__ all_partial) {"
        )
        f32, i32, u32 = np.dtype("float32"), np.dtype("int32"), np.dtype("uint32")
        operands = (
            Leaf("weights", (towers.size,), f32),
            Leaf("minibatch", (), i32),
            Leaf("words", (ROUNDS,), u32),
            Leaf("x", (sizes.samples, towers.inputs), np.dtype("uint8") if sizes.integers else f32),
            Leaf("fields", (sizes.samples, sizes.fields), f32),
            Leaf("numbers", (sizes.numbers,), f32),
        )
        results = (Leaf("partial", (self.groups, towers.size + towers.reported), f32),)
        source = f"{head}{self.text}"
        return Kernel("jaxenv_gradient", source, operands, results, plan.threads, cooperative=True, shared=4 * plan.size)

    def _begin(self) -> None:
        """What a block works on, and copies of small arrays."""
        add, towers, sizes, plan = self.text.add, self.towers, self.sizes, self.plan
        count, columns = len(towers.towers), towers.size + towers.reported
        x = "uint8_t" if sizes.integers else "float"
        add(
            "SHARED_MEMORY(float, memory);",
            f"const int32_t tower = BLOCK_NUMBER % {count}, group = BLOCK_NUMBER / {count} % {self.groups};",
            f"const int64_t member = BLOCK_NUMBER / {count * self.groups};",
            f"const float* __restrict__ weights = all_weights + member * {towers.size};",
            f"const float* __restrict__ numbers = all_numbers + member * {sizes.numbers};",
            f"const float* __restrict__ fields = all_fields + member * {sizes.samples * sizes.fields};",
            f"const {x}* __restrict__ x = all_x + member * {sizes.samples * towers.inputs};",
            f"float* __restrict__ partial = all_partial + (member * {self.groups} + group) * {columns};",
            f"const int32_t minibatch = all_minibatches[member], per_epoch = {sizes.samples // sizes.minibatch};",
            f"const int32_t epoch = minibatch / per_epoch, first = minibatch % per_epoch * {sizes.minibatch};",
            f"const uint32_t* __restrict__ words = all_words + (member * sizes[1] + epoch) * {ROUNDS};",
            f"{x}* const inputs = ({x}*)(memory + {plan.inputs});",
            f"int32_t* const place = (int32_t*)(memory + {plan.place});",
        )
        for i in range(self.layers):
            add(
                f"float* const h{i} = memory + {plan.activations[i]};",
                f"const float* __restrict__ kernel{i} = weights + {self._by_tower('kernel', i)};",
                f"const float* __restrict__ bias{i} = weights + {self._by_tower('bias', i)};",
            )
        add(f"const int32_t outputs = {self._choice([tower.layers[-1].outputs for tower in towers.towers])};")
        self._copy_weights()

    def _copy_weights(self) -> None:
        """Copy biases and the kernels that fit; everything is read before it is stored, so that it is waited for once."""
        plan, stores = self.plan, list[str]()
        for i in range(self.layers):
            depth, width, count = plan.depths[i], plan.widths[i], -(-plan.depths[i] * plan.widths[i] // plan.threads)
            inputs = self.towers.inputs if i == 0 else depth
            if i or not plan.streamed:
                at = f"const int32_t i = THREAD_IN_BLOCK + {plan.threads} * j, row = i / {width}, column = i % {width};"
                head = ("UNROLL", f"for (int32_t j = 0; j < {count}; ++j) {{", at)
                exists = f"row < {inputs} && column < {self._width(i)}"
                self.text.add(
                    f"float copy{i}[{count}];",
                    *head,
                    f"copy{i}[j] = {exists} ? kernel{i}[row * {self._width(i)} + column] : 0.0f;",
                    "}",
                )
                place = f"memory[{plan.kernels[i]} + row * {plan.kernel_rows[i]} + column]"
                stores += [*head, f"if (row < {depth}) {place} = copy{i}[j];", "}"]
            inside = f"THREAD_IN_BLOCK < {width}"  # at most 256
            self.text.add(f"const float bias_{i} = THREAD_IN_BLOCK < {self._width(i)} ? bias{i}[THREAD_IN_BLOCK] : 0.0f;")
            stores.append(f"if ({inside}) memory[{plan.biases[i]} + THREAD_IN_BLOCK] = bias_{i};")
        self.text.add(*stores)

    def _width(self, layer: int) -> str:
        """The outputs of a layer, as C."""
        return "outputs" if layer == self.layers - 1 else str(self.plan.widths[layer])

    def _choice(self, of_towers: list[Any]) -> str:
        """Return an expression for what each tower has."""
        text = str(of_towers[-1])
        for i in reversed(range(len(of_towers) - 1)):
            text = f"tower == {i} ? {of_towers[i]} : {text}"
        return str(of_towers[0]) if len(set(of_towers)) == 1 else f"({text})"

    def _by_tower(self, attribute: str, layer: int) -> str:
        return self._choice([getattr(tower.layers[layer], attribute) for tower in self.towers.towers])

    def _read_samples(self) -> None:
        """Find out which samples are in the tile, and copy their inputs."""
        add, towers, sizes, plan = self.text.add, self.towers, self.sizes, self.plan
        index, word = jax.ShapeDtypeStruct((), np.int32), jax.ShapeDtypeStruct((ROUNDS,), np.uint32)

        def which(index: Any, words: Any) -> Any:
            return (permuted(index, words, sizes.samples),)

        program = scalarize(which, index, word, names=("index", "words"), results=("place",))[0]
        add(
            "/* Which samples are in this tile. */",
            f"const int32_t index = tile * {plan.tile} + THREAD_IN_BLOCK;",
            "int32_t mine = -1;",
            *(f"float field{i} = 0.0f;" for i in range(sizes.fields)),
            f"if (THREAD_IN_BLOCK < {plan.tile} && index < {sizes.minibatch}) {{",
        )
        statements(self.text, program, lambda leaf, at: "(first + index)" if leaf == 0 else f"words[{at}]")
        add(
            f"mine = {name(program.outputs[0][0])};",
            *(f"field{i} = fields[(int64_t)mine * {sizes.fields} + {i}];" for i in range(sizes.fields)),
            "}",
            f"if (THREAD_IN_BLOCK < {plan.tile}) place[THREAD_IN_BLOCK] = mine;",
            "SYNC_BLOCK;",
        )
        element = 1 if sizes.integers else 4
        each = next(size for size in (16, 8, 4, 1) if towers.inputs * element % size == 0)  # bytes at once
        kind, zero = {16: ("words4", "{{0}}"), 8: ("words2", "{{0}}"), 4: ("uint32_t", "0"), 1: ("uint8_t", "0")}[each]
        wide, row, exist = (n * element // each for n in (padded(towers.inputs), plan.input_row, towers.inputs))
        add(
            "UNROLL_8",
            f"for (int32_t i = THREAD_IN_BLOCK; i < {plan.tile * wide}; i += {plan.threads}) {{",
            f"const int32_t sample = i / {wide}, column = i % {wide}, from = place[sample];",
            f"{kind} copied = {zero.format()};",
            f"if (from >= 0 && column < {exist}) copied = ((const {kind}*)x)[(int64_t)from * {exist} + column];",
            f"(({kind}*)inputs)[sample * {row} + column] = copied;",
            "}",
            "SYNC_BLOCK;",
        )

    def _inputs(self, layer: int) -> Matrix:
        """The inputs of a layer, by samples."""
        if layer == 0 and self.sizes.integers:
            return Matrix(f"inputs[{{row}} * {self.plan.input_row} + {{column}}]", integers=True)
        if layer == 0:
            return Matrix(f"inputs[{{row}} * {self.plan.input_row} + {{column}}]")
        return self._outputs(layer - 1)

    def _outputs(self, layer: int) -> Matrix:
        """The outputs of a layer, by samples; later the derivatives by them."""
        return Matrix(f"h{layer}[{{row}} * {self.plan.rows[layer]} + {{column}}]")

    def _kernel(self, layer: int) -> Matrix:
        """The kernel of a layer; of the first one, if it is streamed, the rows from ``k0`` on."""
        row = "({row} - k0)" if layer == 0 and self.plan.streamed else "{row}"
        return Matrix(f"memory[{self.plan.kernels[layer]} + {row} * {self.plan.kernel_rows[layer]} + {{column}}]")

    def _stream(self) -> tuple[list[str], list[str]]:
        """Return C that brings the rows of the first kernel into shared memory; the next ones are read while some are used."""
        plan = self.plan
        width, depth = plan.widths[0], plan.depths[0]
        count = -(-STREAMED * width // plan.threads)
        loop = [
            "UNROLL",
            f"for (int32_t j = 0; j < {count}; ++j) {{",
            f"const int32_t i = THREAD_IN_BLOCK + {plan.threads} * j, row = i / {width}, column = i % {width};",
        ]

        def read(first: str) -> list[str]:
            exists = f"{first} + row < {self.towers.inputs}"
            return [*loop, f"streamed[j] = {exists} ? kernel0[({first} + row) * {width} + column] : 0.0f;", "}"]

        place = f"memory[{self.plan.kernels[0]} + row * {self.plan.kernel_rows[0]} + column]"
        more = [f"if (k0 + {STREAMED} < {depth}) {{", *read(f"k0 + {STREAMED}"), "}"]
        each = ["SYNC_BLOCK;", *loop, f"if (row < {STREAMED}) {place} = streamed[j];", "}", "SYNC_BLOCK;", *more]
        return [f"float streamed[{count}];", *read("0")], each

    def _product(
        self,
        size: tuple[int, int, int],
        left: Matrix,
        right: Matrix,
        store: Any,
        together: bool = True,
        streamed: int = 0,
        **more: Any,
    ) -> None:
        product = Product(*size, left, right, self.plan.warps, self.sizes.exact, together, streamed)
        self.steps.setdefault(product.step, product)
        product.write(self.text, store, **more)

    def _forward(self, layer: int) -> None:
        plan = self.plan
        row, bias = plan.rows[layer], plan.biases[layer]
        activate = {"tanh": "tanh_of_many(z)", "relu": "(z > 0.0f ? z : 0.0f)"}[self.towers.activation]
        function = "z" if layer == self.layers - 1 else activate

        def store(count: int) -> list[str]:
            return [
                "UNROLL",
                f"for (int32_t e = 0; e < {count}; ++e) {{",
                f"const float z = v[e] + memory[{bias} + column + e];",
                f"v[e] = {function};",
                "}",
                *_stored(f"h{layer}[row * {row} + column]", count),
            ]

        self.text.add(f"/* Forward, layer {layer}. */")
        more: dict[str, Any] = {"streamed": STREAMED, "stream": self._stream()} if layer == 0 and plan.streamed else {}
        self._product((plan.tile, plan.widths[layer], plan.depths[layer]), self._inputs(layer), self._kernel(layer), store, **more)
        self.text.add("SYNC_BLOCK;")

    def _losses(self) -> None:
        add, plan, sizes, towers = self.text.add, self.plan, self.sizes, self.towers
        row = plan.rows[-1]
        add(
            "/* The loss of each sample, its derivatives by the outputs, and sums over the samples of a warp. */",
            f"float* const out = h{self.layers - 1} + THREAD_IN_BLOCK % {plan.tile} * {row};",
            f"float summed[{plan.sums}] = {{0}};",
            f"if (THREAD_IN_BLOCK < {plan.tile}) {{",
        )
        for number, tower in enumerate(towers.towers):
            linear = tower.layers[-1].outputs

            def read(leaf: int, at: str, linear: int = linear, tower: Tower = tower) -> str:
                if not at.isdigit():
                    raise UnsupportedError("a loss that reads computed places")
                if leaf == 0:
                    return f"out[{at}]" if int(at) < linear else f"weights[{tower.extra_at + int(at) - linear}]"
                return f"field{at}" if leaf == 1 else f"numbers[{at}]"

            add(
                f"if (tower == {number}) {{", f"float results[{linear + tower.extra + tower.reported}] = {{0}};", "if (mine >= 0) {"
            )
            program = _derivative(tower, sizes)
            statements(self.text, program, read)
            scale = f"{1.0 / sizes.minibatch:.9g}f"
            for i, operand in enumerate(x for row_ in program.outputs for x in row_):
                add(f"results[{i}] = {name(operand)} * {scale};")
            add("}", *(f"out[{i}] = {f'results[{i}]' if i < linear else '0.0f'};" for i in range(plan.outputs)))
            add(*(f"summed[{i}] = results[{linear + i}];" for i in range(tower.extra + tower.reported)), "}")
        add(
            "}",
            "UNROLL",
            f"for (int32_t i = 0; i < {plan.sums}; ++i) {{",
            "const float sum = sum_of_warp(summed[i]);",
            f"if (LANE == 0) memory[{plan.reduced} + WARP_IN_BLOCK * {plan.sums} + i] = sum;",
            "}",
            "SYNC_BLOCK;",
            f"if (THREAD_IN_BLOCK < {plan.sums}) {{",
            "float sum = 0.0f;",
            "UNROLL",
            f"for (int32_t i = 0; i < {plan.warps}; ++i) sum += memory[{plan.reduced} + i * {plan.sums} + THREAD_IN_BLOCK];",
        )
        at = towers.size
        for number, tower in enumerate(towers.towers):
            extra = f"THREAD_IN_BLOCK < {tower.extra} ? {tower.extra_at} + THREAD_IN_BLOCK : " if tower.extra else ""
            add(
                f"if (tower == {number} && THREAD_IN_BLOCK < {tower.extra + tower.reported}) {{",
                f"float* const sums_at = partial + ({extra}{at - tower.extra} + THREAD_IN_BLOCK);",
                self._into("*sums_at", "sum"),
                "}",
            )
            at += tower.reported
        add("}")

    def _backward(self, layer: int) -> None:
        add, towers, plan = self.text.add, self.towers, self.plan
        inputs = towers.inputs if layer == 0 else plan.depths[layer]
        width = self._width(layer)
        add(f"/* Gradient of layer {layer}. */")
        inside = f"row < {inputs} && {{}} < {width}"
        place = f"partial[{self._by_tower('kernel', layer)} + row * {width} + {{}}]"
        bias = f"partial[{self._by_tower('bias', layer)} + column]"

        def store(count: int) -> list[str]:
            return [
                "UNROLL",
                f"for (int32_t e = 0; e < {count}; ++e) {{",
                f"if ({inside.format('column + e')}) {place.format('column + e')} = v[e];",
                "}",
            ]

        self._product(
            (inputs, plan.widths[layer], plan.tile),
            self._inputs(layer).transposed,
            self._outputs(layer),
            store,
            together=False,
            begin="" if self._one_tile else f"if (tile != group && {inside.format('column')}) sum = {place.format('column')};",
            column_sum=f"if (column < {width}) {self._into(bias, 'sum')}",
        )
        if layer == 0:
            return
        add("SYNC_BLOCK;", f"/* Derivatives by the sums of layer {layer - 1}. */")
        row = plan.rows[layer - 1]
        slope = {"tanh": "1.0f - h.floats[e] * h.floats[e]", "relu": "h.floats[e] > 0.0f ? 1.0f : 0.0f"}[towers.activation]

        def derive(count: int) -> list[str]:
            at = f"h{layer - 1}[row * {row} + column]"
            return [
                f"const floats{count} h = *(const floats{count}*)&{at};",
                "UNROLL",
                f"for (int32_t e = 0; e < {count}; ++e) v[e] *= {slope};",
                *_stored(at, count),
            ]

        self._product((plan.tile, inputs, plan.widths[layer]), self._outputs(layer), self._kernel(layer).transposed, derive)
        add("SYNC_BLOCK;")

    @property
    def _one_tile(self) -> bool:
        """Whether a block has one tile."""
        return self.tiles <= self.groups

    def _into(self, place: str, value: str) -> str:
        """Write a block's share, or add to it."""
        return f"{place} = {value};" if self._one_tile else f"{place} = tile == group ? {value} : {place} + {value};"


def _stored(place: str, count: int) -> list[str]:
    """Store neighbours in shared memory."""
    each = min(count, 4)
    return [
        line
        for start in range(0, count, each)
        for line in (
            "{",
            f"floats{each} w;",
            *(f"w.floats[{i}] = v[{start + i}];" for i in range(each)),
            f"*(floats{each}*)(&{place} + {start}) = w;",
            "}",
        )
    ]


def _derivative(tower: Tower, sizes: Sizes) -> ScalarProgram:
    """Return the program of the derivatives of a tower's loss by its outputs, followed by the loss and its terms."""

    def derivatives(outputs: Any, fields: Any, numbers: Any) -> Any:
        (loss, terms), gradient = jax.value_and_grad(tower.head, has_aux=True)(outputs, fields, numbers)
        return gradient, loss, terms

    shapes = [jax.ShapeDtypeStruct((size,), np.float32) for size in (tower.outputs, sizes.fields, sizes.numbers)]
    return scalarize(derivatives, *shapes, names=("outputs", "fields", "numbers"), results=("gradient", "loss", "terms"))[0]


def sum_blocks(towers: Towers) -> int:
    """Return how many blocks of the second kernel a member has."""
    return -(-(towers.size + towers.reported) // COLUMNS)


def sum_kernel(towers: Towers, sizes: Sizes) -> Kernel:
    """Return the kernel that sums the blocks' shares, and the squares of each of its own blocks' sums."""
    many, columns, blocks, parts = groups(towers, sizes), towers.size + towers.reported, sum_blocks(towers), THREADS // COLUMNS
    text = Text()
    text.add(
        f"KERNEL({THREADS}) jaxenv_gradient_sum(const int32_t* __restrict__ sizes, const float* __restrict__ all_partial, "
        "float* __restrict__ gradient, float* __restrict__ squares, float* __restrict__ reported) {",
        f"SHARED float sums[{parts}][{COLUMNS}];",
        f"const int64_t member = BLOCK_NUMBER / {blocks};",
        f"const int32_t block = BLOCK_NUMBER % {blocks}, part = THREAD_IN_BLOCK / {COLUMNS}, lane = THREAD_IN_BLOCK % {COLUMNS};",
        f"const int32_t column = block * {COLUMNS} + lane;",
        f"const float* __restrict__ partial = all_partial + member * {many * columns} + column;",
        "float sum = 0.0f;",
        f"if (column < {columns}) {{",
        "UNROLL_8",
        f"for (int32_t i = part; i < {many}; i += {parts}) sum += partial[(int64_t)i * {columns}];",
        "}",
        "sums[part][lane] = sum;",
        "SYNC_BLOCK;",
        "if (part == 0) {",
        "UNROLL",
        f"for (int32_t i = 1; i < {parts}; ++i) sum += sums[i][lane];",
        f"if (column < {towers.size}) gradient[member * {towers.size} + column] = sum;",
        f"else if (column < {columns}) reported[member * {towers.reported} + column - {towers.size}] = sum;",
        f"sums[0][lane] = column < {towers.size} ? sum * sum : 0.0f;",
        "}",
        "SYNC_BLOCK;",
        "if (WARP_IN_BLOCK == 0) {",
        "const float square = sum_of_warp(sums[0][LANE] + sums[0][LANE + 32]);",
        f"if (LANE == 0) squares[member * {blocks} + block] = square;",
        "}",
        "}",
    )
    f32 = np.dtype("float32")
    results = (Leaf("gradient", (towers.size,), f32), Leaf("squares", (blocks,), f32), Leaf("reported", (towers.reported,), f32))
    return Kernel("jaxenv_gradient_sum", str(text), (Leaf("partial", (many, columns), f32),), results, THREADS, cooperative=True)
