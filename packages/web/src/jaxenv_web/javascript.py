"""A :class:`~jaxenv.engine.scalar.ScalarProgram` as a JavaScript function.

An array of rank 0 is a number or a flag, any other array is a flat array in row-major order. A tree of arrays, such as a state, is
an object with a property for each leaf. An instruction whose result is used once is written where it is used; others become
constants that are named after the field that they are the new value of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from jaxenv.engine.cuda.schedule import Branch, schedule
from jaxenv.engine.scalar import Instruction, Leaf, Register, ScalarProgram, UnsupportedError
from jaxenv.engine.scalar.program import Derived

from jaxenv_web.assets import asset
from jaxenv_web.expressions import bare, check_dtype, expression, literal, loose

_BITWISE = frozenset(["and", "or", "xor", "not", "shift_left", "convert_element_type", "bitcast_convert_type"])
"""Operations on uint32 whose results fit into 32 bits before they are made non-negative."""
_LOOSE = frozenset(["and", "or", "xor", "not", "add", "sub", "mul"])
"""Operations of which the lowest 32 bits depend on the lowest 32 bits of their operands alone."""
LONGEST = 100
"""Characters beyond which an expression gets a line of its own."""
ARRAYS = {
    "bool": "Uint8Array", "int8": "Int8Array", "int16": "Int16Array", "int32": "Int32Array", "uint8": "Uint8Array",
    "uint16": "Uint16Array", "uint32": "Uint32Array", "float32": "Float32Array",
}  # fmt: skip
"""The typed array for numbers of a dtype."""

_KEYWORDS = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally "
    "for function if import in instanceof interface let new null of package private protected public return static super switch "
    "this throw true try typeof undefined var void while with yield NaN Infinity"
)


@cache
def reserved() -> frozenset[str]:
    """Return the names that generated variables can't have: JavaScript's own, and those of the functions that they call."""
    code = asset("arithmetic.js")
    mine = re.findall(r"^const (\w+)", code, re.MULTILINE)
    functions = re.findall(r"\w+", re.search(r"{(.*)} = Math", code)[1])  # pyright: ignore[reportOptionalSubscript]
    return frozenset([*_KEYWORDS.split(), "i", *mine, *functions, "floats"])


@dataclass
class Tables:
    """Constant arrays of a page, each written once."""

    names: dict[Any, str] = field(default_factory=dict)
    """The JavaScript name of each array, by dtype and bytes."""
    lines: list[str] = field(default_factory=list)
    """Their definitions."""

    def name(self, array: np.ndarray) -> str:
        """Return the name of a constant array."""
        check_dtype(array.dtype)
        key = array.dtype.name, array.tobytes()
        if key not in self.names:
            self.names[key] = f"TABLE_{len(self.names)}"
            numbers = array.reshape(-1)
            if array.size > 1 and np.all(numbers == numbers[0]):
                body = f"({array.size}).fill({literal(numbers[0].astype(np.int32) if array.dtype.kind == 'b' else numbers[0])})"
            elif (step := _step(numbers)) is not None:
                body = f"({array.size}).map((_, i) => {_affine(int(numbers[0]), step)})"
            else:
                flat = numbers.astype(np.uint8) if array.dtype.kind == "b" else numbers
                body = f"([{', '.join(map(literal, flat))}])"
            self.lines.append(f"const {self.names[key]} = new {ARRAYS[array.dtype.name]}{body};")
        return self.names[key]


def _step(numbers: np.ndarray) -> int | None:
    """Return the distance between neighbours of non-negative integers, if it is always the same."""
    wide = numbers.astype(np.int64) if numbers.dtype.kind in "iu" else numbers[:0]
    steps = set(np.diff(wide).tolist())
    return steps.pop() if len(wide) > SHORTEST_LOOP and len(steps) == 1 and wide.min() >= 0 else None


def property_of(leaf_name: str) -> tuple[str, str]:
    """Return the argument or result that a leaf is part of, and the leaf's path in it, such as ``state`` and ``inner.x``."""
    root, path = re.fullmatch(r"(\w+)(.*)", leaf_name, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess]
    path = re.sub(r"\['?(.*?)'?\]", r".\1", path)
    return root, path.removeprefix(".")


def access(variable: str, path: str) -> str:
    """Return how a leaf of a tree is read."""
    if not path:
        return variable
    return f"{variable}.{path}" if path.isidentifier() else f'{variable}["{path}"]'


def _entry(path: str, value: str) -> str:
    return f"{path if path.isidentifier() else repr(path)}: {value}" if path != value else path


def function(name: str, program: ScalarProgram, variables: Mapping[str, str], tables: Tables) -> str:
    """Return the JavaScript of a program, as the definition of a function.

    Args:
        name: what the function is called.
        program: what it computes.
        variables: the function's parameters: for each argument of the program, in order, its name in JavaScript.
        tables: where constant arrays go.

    Returns:
        The definition. The function returns an object with a property for each result, or the result itself if there is one.

    Raises:
        UnsupportedError: the program has an operation, or a dtype, that JavaScript has not.
    """
    writer = Writer(program, variables, tables)
    writer.statements()
    return finished(name, list(variables.values()), writer)


def finished(name: str, parameters: Sequence[str], writer: Writer) -> str:
    """Return the definition of a function from a writer that has written its statements."""
    results = writer.program.results
    outcome = _object(_tree(results, [writer.output(elements, leaf) for elements, leaf in writer.outputs]))
    body = [*joined(writer.lines), f"return {bare(outcome)};"]
    return "\n".join([f"function {name}({', '.join(parameters)}) {{", *(f"  {line}" for line in body), "}"])


def joined(lines: Sequence[str]) -> list[str]:
    """Return statements with definitions of constants that follow one another as one."""
    found: list[str] = []
    for line in lines:
        if line.startswith("const ") and found and found[-1].endswith(";") and found[-1].startswith(("const ", "  ")):
            found[-1] = found[-1][:-1] + ","
            line = "  " + line.removeprefix("const ")
        found.append(line)
    return found


def _tree(leaves: Sequence[Leaf], values: Sequence[str]) -> Any:
    """Return values as a tree: one for each result, each a value or a dict of values by path."""
    tree: dict[str, Any] = {}
    for leaf, value in zip(leaves, values, strict=True):
        root, path = property_of(leaf.name)
        if path:
            tree.setdefault(root, {})[path] = value
        else:
            tree[root] = value
    return next(iter(tree.values())) if len(tree) == 1 else tree


def _object(tree: Any) -> str:
    if not isinstance(tree, dict):
        return tree
    return "{" + ", ".join(_entry(path, bare(_object(value))) for path, value in tree.items()) + "}"


def rolled(parts: Sequence[str]) -> str | None:
    """Return expressions that differ in integers alone, by equal steps from one to the next, as one loop; None for others."""
    if len(parts) < SHORTEST_LOOP:
        return None
    first, second, *rest = [_INTEGER.split(part) for part in parts]
    steps = [int(b) - int(a) if i % 2 else 0 for i, (a, b) in enumerate(zip(first, second, strict=False)) if i % 2 or a == b]
    if len(steps) != len(first) or not any(steps):
        return None
    for count, row in enumerate([second, *rest], 1):
        moved = [str(int(x) + count * step) if i % 2 else x for i, (x, step) in enumerate(zip(first, steps, strict=True))]
        if row != moved:
            return None
    texts = [_affine(int(x), step) if i % 2 else x for i, (x, step) in enumerate(zip(first, steps, strict=True))]
    return f"Array.from({{length: {len(parts)}}}, (_, i) => {''.join(texts)})"


_INTEGER = re.compile(r"(?<![\w.-])(\d+)(?![\w.])")
SHORTEST_LOOP = 6
"""Elements from which expressions become a loop."""


def _affine(start: int, step: int) -> str:
    if not step:
        return str(start)
    product = "i" if step == 1 else f"{step} * i" if step != -1 else "-i"
    return f"({product})" if not start and step != 1 else product if not start else f"({product} + {start})"


class Writer:
    """Writes the statements of one program.

    Args:
        program: the program.
        variables: the JavaScript variable of each of its arguments.
        tables: where constant arrays go.
        longest: characters beyond which an expression gets a line of its own.
    """

    def __init__(self, program: ScalarProgram, variables: Mapping[str, str], tables: Tables, longest: int = LONGEST) -> None:
        self.program, self.variables, self.tables, self.longest = program, variables, tables, longest
        self.lines: list[str] = []
        self._texts: dict[int, str] = {}
        self._vectors: dict[int, str] = {}
        """For each vector that is computed element by element where it is used, its element ``i``."""
        self._makers = {result.number: i for i in program.instructions for result in i.results}
        self.outputs = self._collapsed()
        self._taken = {*variables.values(), *reserved()}
        self._uses = self._counted()
        self._loose = self._of_low_bits()
        self._names = self._named()
        first = len(program.arguments) - len(program.constants)
        self._constants = {first + i: constant for i, constant in enumerate(program.constants)}

    # -- what is known before anything is written -----------------------------------------------------------------

    def _counted(self) -> Counter[int]:
        """Count how often each register is used; what a vector needs for each of its elements counts twice."""
        uses: Counter[int] = Counter()
        for instruction in self.program.instructions:
            for operand in instruction.operands:
                if isinstance(operand, Register):
                    again = instruction.results[0].size and not operand.size and instruction.op not in ("pack", "dense")
                    uses[operand.number] += 2 if again else 1
        for elements, _ in self.outputs:
            uses.update(x.number for x in elements if isinstance(x, Register))
        return uses

    def _of_low_bits(self) -> set[int]:
        """Return the uint32 registers of which every use sees the lowest 32 bits alone, so that they may be negative numbers."""
        strict = {x.number for elements, _ in self.outputs for x in elements if isinstance(x, Register)}
        loose_ones: set[int] = set()
        for instruction in reversed(self.program.instructions):
            result = instruction.results[0]
            if result.dtype.name == "uint32" and not result.size and result.number not in strict:
                loose_ones.add(result.number)
            for position, operand in enumerate(instruction.operands):
                if not isinstance(operand, Register) or operand.dtype.name != "uint32":
                    continue
                op = instruction.op
                is_loose = op in _LOOSE or op.startswith("shift")
                is_loose |= op == "convert_element_type" and result.dtype.kind != "f"
                is_loose |= op == "select_n" and position > 0 and (result.number in loose_ones or result.size > 0)
                is_loose |= op in ("eq", "ne") and any(isinstance(x, np.generic) and x == 0 for x in instruction.operands)
                if not is_loose:
                    strict.add(operand.number)
        return loose_ones

    def _named(self) -> dict[int, str]:
        """Return a name for each register that is the new value of a field."""
        names: dict[int, str] = {}
        for elements, leaf in self.outputs:
            _, path = property_of(leaf.name)
            if len(elements) == 1 and isinstance(elements[0], Register) and path:
                names.setdefault(elements[0].number, self._free(f"next_{path}"))
        return names

    def _free(self, wanted: str) -> str:
        base = candidate = re.sub(r"\W+", "_", wanted).strip("_") or "x"
        base = candidate = f"{base}_" if base in reserved() or base[0].isdigit() else base
        count = 1
        while candidate in self._taken:
            count += 1
            candidate = f"{base}{count}"
        self._taken.add(candidate)
        return candidate

    def _collapsed(self) -> list[tuple[Sequence[Any], Leaf]]:
        """Return the elements of each result; those that are all elements of one vector as that vector."""
        found: list[tuple[Sequence[Any], Leaf]] = []
        for elements, leaf in zip(self.program.outputs, self.program.results, strict=True):
            makers = [self._makers.get(x.number) if isinstance(x, Register) else None for x in elements]
            parts = [i for i in makers if i is not None and i.op == "element"]
            whole = len(parts) == leaf.size and [i.element for i in parts] == list(range(leaf.size))
            vectors: list[Any] = [i.operands[0] for i in parts]
            if whole and vectors and vectors[0].size == leaf.size and all(x is vectors[0] for x in vectors):
                found.append((vectors[:1], leaf))
            else:
                found.append((elements, leaf))
        return found

    # -- statements -----------------------------------------------------------------------------------------------

    def statements(self) -> None:
        """Write what the program does, in an order in which it can be done, with branches around what few need."""
        wanted = [x for elements, _ in self.outputs for x in elements]
        kept = [i for i in self.program.instructions if i.op != "element" or i.results[0].number in self._uses]
        for item in schedule(kept, wanted):
            if isinstance(item, Branch):
                self._branch(item)
            else:
                self._statement(item, "const ")

    def _branch(self, branch: Branch) -> None:
        for instruction in branch.instructions:  # an array that is first needed here may be needed after the branch, too
            for operand in instruction.operands:
                if isinstance(operand, Register) and operand.size:
                    self._whole(operand)
        outer, self.lines, declared = self.lines, [], list[str]()
        for instruction in branch.instructions:
            declared += self._statement(instruction, "")
        inner, self.lines = self.lines, outer
        if inner:
            self.lines += [f"let {', '.join(declared)};", f"if ({bare(self.text(branch.condition))}) {{"]
            self.lines += [*(f"  {line}" for line in inner), "}"]

    def _statement(self, instruction: Instruction, declaration: str) -> list[str]:
        """Write an instruction, or keep its expression for where it is used; return the variables that it sets."""
        result = instruction.results[0]
        check_dtype(result.dtype)
        if instruction.op == "threefry2x32":
            names = [self._names.get(r.number) or self._free(f"r{r.number}") for r in instruction.results]
            for register, name in zip(instruction.results, names, strict=True):
                self._texts[register.number] = name
            words = f"[{', '.join(names)}] = threefry({', '.join(bare(self.text(x)) for x in instruction.operands)});"
            self.lines.append(f"{declaration}{words}" if declaration else words)
            return names
        if result.size:
            return self._vector(instruction, declaration)
        text = self._scalar(instruction)
        simple = re.fullmatch(r"[\w.]+(\[\w+\])?", text) is not None
        if self._uses[result.number] <= 1 and len(text) <= self.longest:
            self._texts[result.number] = text
            return []
        if simple and instruction.op == "element":
            self._texts[result.number] = text
            return []
        return [self._set(result, bare(text), declaration)]

    def _set(self, result: Register, text: str, declaration: str) -> str:
        maker = self._makers[result.number]
        name = self._names.get(result.number)
        if name is None and maker.op == "argument":
            root, path = property_of(self.program.arguments[maker.leaf].name)
            size = self.program.arguments[maker.leaf].size
            name = self._free((path or root) + (f"_{maker.element}" if size > 1 else ""))
        name = name or self._free(f"r{result.number}")
        self._texts[result.number] = name
        self.lines.append(f"{declaration}{name} = {text};")
        return name

    # -- expressions ----------------------------------------------------------------------------------------------

    def text(self, operand: Any) -> str:
        """Return an operand, which binds as tightly as a name."""
        if isinstance(operand, Register):
            return self._texts[operand.number]
        text = literal(operand)
        return f"({text})" if text.startswith("-") else text

    def _array(self, leaf: int) -> str:
        """Return the array of an argument."""
        if leaf in self._constants:
            return self.tables.name(self.constant(leaf))
        root, path = property_of(self.program.arguments[leaf].name)
        return access(self.variables[root], path)

    def constant(self, leaf: int) -> np.ndarray:
        """Return the array that an argument always is.

        Raises:
            UnsupportedError: it follows from arguments that are not constant.
        """
        value = self._constants.get(leaf)
        if value is None:
            raise UnsupportedError(f"an array that follows from {self.program.arguments[leaf].name}")
        if isinstance(value, Derived):
            value = value.function(*map(self.constant, value.arguments))
        return np.asarray(value)

    def _scalar(self, instruction: Instruction) -> str:
        op, operands = instruction.op, instruction.operands
        match op:
            case "argument":
                leaf = self.program.arguments[instruction.leaf]
                if instruction.leaf in self._constants:
                    return literal(self.constant(instruction.leaf).reshape(-1)[instruction.element])
                return self._array(instruction.leaf) + (f"[{instruction.element}]" if leaf.shape else "")
            case "load":
                return f"{self._array(instruction.leaf)}[{bare(self.text(operands[0]))}]"
            case "element":
                return f"{self._whole(operands[0])}[{instruction.element}]"
            case "reduce_sum" | "reduce_max" | "reduce_min" | "reduce_and" | "reduce_or":
                return self._reduced(instruction)
            case _:
                text = expression(instruction, [self.text(x) for x in operands])
                return loose(text) if instruction.results[0].number in self._loose and op in _BITWISE else text

    def _reduced(self, instruction: Instruction) -> str:
        vector, dtype = instruction.operands[0], instruction.results[0].dtype
        a = self._whole(vector)
        if dtype.kind == "b":
            return f"{a}.{'every' if instruction.op in ('reduce_and', 'reduce_min') else 'some'}(x => x)"
        rounded = {"float32": "f(a + x)", "int32": "a + x | 0", "uint32": "a + x >>> 0"}.get(dtype.name, "a + x")
        body = {"reduce_sum": rounded, "reduce_max": "max(a, x)", "reduce_min": "min(a, x)"}.get(instruction.op)
        if body is None:
            raise UnsupportedError(f"the operation {instruction.op} of {dtype}")
        return f"{a}.reduce((a, x) => {body})"

    # -- vectors --------------------------------------------------------------------------------------------------

    def _whole(self, vector: Any) -> str:
        """Return the array that has a vector's elements, written out if it was not."""
        if vector.number not in self._texts:
            self._written(vector, self._vectors[vector.number])
        return self._texts[vector.number]

    def _each(self, operand: Any) -> str:
        """Return element ``i`` of an operand of an elementwise instruction."""
        if isinstance(operand, Register) and operand.size:
            return self._vectors.get(operand.number) or f"{self._texts[operand.number]}[i]"
        return self.text(operand)

    def _written(self, vector: Register, each: str) -> str:
        """Write out a vector from its element ``i``."""
        name = self._names.get(vector.number) or self._free(f"v{vector.number}")
        self._texts[vector.number] = name
        self._vectors.pop(vector.number, None)
        self.lines.append(f"const {name} = new {ARRAYS[vector.dtype.name]}({vector.size});")
        element = loose(each) if vector.dtype.name == "uint32" else each
        self.lines.append(f"for (let i = 0; i < {vector.size}; i++) {name}[i] = {bare(element)};")
        return name

    def _vector(self, instruction: Instruction, declaration: str) -> list[str]:
        op, result = instruction.op, instruction.results[0]
        if not declaration:
            raise UnsupportedError("a branch around vectors")
        if op == "vector":
            whole = self._array(instruction.leaf)
            size = self.program.arguments[instruction.leaf].size
            if instruction.element == 0 and size == result.size:
                self._texts[result.number] = whole
            else:
                self._vectors[result.number] = f"{whole}[i + {instruction.element}]"
        elif op == "slice":
            self._vectors[result.number] = f"{self._whole(instruction.operands[0])}[i + {instruction.element}]"
        elif op == "pack":
            self._packed(instruction)
        elif op == "dense":
            self._dense(instruction)
        else:
            each = expression(instruction, [self._each(x) for x in instruction.operands])
            if self._uses[result.number] <= 1 and len(each) <= self.longest:
                self._vectors[result.number] = each
            else:
                self._written(result, each)
        return []

    def _spread(self, operands: Sequence[Any]) -> str:
        """Return numbers and vectors one after the other, as an array."""
        if len(operands) == 1 and isinstance(operands[0], Register) and operands[0].size:
            return self._whole(operands[0])
        return f"[{', '.join(self._runs(operands))}]"

    def _packed(self, instruction: Instruction) -> None:
        result = instruction.results[0]
        self._texts[result.number] = name = self._free(f"v{result.number}")
        self.lines.append(f"const {name} = {ARRAYS[result.dtype.name]}.of({self._spread(instruction.operands)[1:-1]});")

    def _dense(self, instruction: Instruction) -> None:
        """Multiply a row of numbers, or of flags, with a matrix; sums are of doubles, and rounded at their end."""
        result = instruction.results[0]
        self._texts[result.number] = name = self._free(f"v{result.number}")
        self.lines.append(
            f"const {name} = dense({self._spread(instruction.operands)}, {self._array(instruction.leaf)}, {result.size});"
        )

    # -- results --------------------------------------------------------------------------------------------------

    def output(self, elements: Sequence[Any], leaf: Leaf) -> str:
        """Return a result: a number or a flag, or a flat array."""
        check_dtype(leaf.dtype)
        if len(elements) == 1 and isinstance(elements[0], Register) and elements[0].size:
            return self._whole(elements[0])
        if leaf.shape:
            return self._literal_or_table(elements, leaf)
        text = self.text(elements[0])
        return f"!!{text}" if leaf.dtype.kind == "b" and not re.match(r"true|false|\(.*[=<>!]", text) else text

    def _literal_or_table(self, elements: Sequence[Any], leaf: Leaf) -> str:
        if len(elements) > 8 and all(isinstance(x, np.generic) for x in elements):
            return self.tables.name(np.array([x.item() for x in elements], leaf.dtype))
        parts = self._runs(elements)
        return rolled(parts) or f"[{', '.join(parts)}]"

    def _runs(self, elements: Sequence[Any]) -> list[str]:
        """Return numbers and vectors as the parts of an array literal, with elements of one vector spread into it together."""
        parts: list[str] = []
        place = 0
        while place < len(elements):
            x = elements[place]
            if isinstance(x, Register) and x.size:
                parts.append(f"...{self._whole(x)}")
                place += 1
                continue
            vector, first, step, count = self._progression(elements[place:])
            if count < 4:
                parts += [bare(self.text(x)) for x in elements[place : place + count]]
            elif (first, step, count) == (0, 1, vector.size):
                parts.append(f"...{self._whole(vector)}")
            else:
                parts.append(f"...strided({self._whole(vector)}, {first}, {step}, {count})")
            place += count
        return parts

    def _progression(self, elements: Sequence[Any]) -> tuple[Any, int, int, int]:
        """Return the vector that the first elements are of, the first one's place, their distance, and how many there are."""
        vector, first, step, count = None, 0, 0, 0
        for x in elements:
            maker = self._makers.get(x.number) if isinstance(x, Register) else None
            if maker is None or maker.op != "element" or maker.operands[0] is not (vector or maker.operands[0]):
                break
            vector = maker.operands[0]
            if count == 0:
                first = maker.element
            elif count == 1:
                step = maker.element - first
            elif maker.element != first + count * step:
                break
            count += 1
        return vector, first, step, max(count, 1)
