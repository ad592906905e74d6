"""In which order a kernel computes, and what it computes only where it is needed.

A step chooses between its own state and that of a fresh episode: ``select_n done, after, fresh``. What only a chosen case needs,
such as the random numbers of a reset, goes under a branch on the condition, so that threads without need skip it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jaxenv.engine.scalar.program import Instruction, Operand, Register

COST = {"threefry2x32": 80, "div": 10, "rem": 10, "sqrt": 10, "rsqrt": 5, "erf_inv": 40, "pow": 60, "atan2": 40} | dict.fromkeys(
    ("acos", "asin", "atan", "cos", "erf", "exp", "exp2", "expm1", "log", "log1p", "logistic", "sin", "tan", "tanh"), 20
)
"""About what instructions cost, in additions; any other is taken for 1."""
WORTH_A_BRANCH = 24
"""The least cost of what goes under a branch."""


@dataclass(frozen=True)
class Branch:
    """Instructions that run only where a condition holds."""

    condition: Register
    """A flag."""
    instructions: tuple[Instruction, ...]
    """What runs, in order."""


def schedule(instructions: Sequence[Instruction], outputs: Iterable[Operand]) -> list[Instruction | Branch]:
    """Return instructions in an order in which they can run, with branches around what few need."""
    guards = _guards(instructions, outputs)
    items: list[Instruction | Branch] = [i for i in instructions if i.results[0].number not in guards]
    by_condition: dict[int, list[Instruction]] = defaultdict(list)
    for instruction in instructions:
        if instruction.results[0].number in guards:
            by_condition[guards[instruction.results[0].number].number].append(instruction)
    conditions = {condition.number: condition for condition in guards.values()}
    items += [Branch(conditions[number], tuple(inside)) for number, inside in by_condition.items()]
    return _ordered(items)


def _guards(instructions: Sequence[Instruction], outputs: Iterable[Operand]) -> dict[int, Register]:
    """Return, for the first register of each instruction that only chosen cases need, the flag that chooses them."""
    users: dict[int, list[tuple[Instruction, int]]] = defaultdict(list)
    for instruction in instructions:
        for position, operand in enumerate(instruction.operands):
            if isinstance(operand, Register):
                users[operand.number].append((instruction, position))
    kept = {x.number for x in outputs if isinstance(x, Register)}
    chosen: dict[int, Register] = {}
    for instruction in reversed(instructions):
        conditions: set[Register] = set()
        for register in instruction.results:
            if register.number in kept or register.size:
                conditions.clear()
                break
            uses = [_condition(user, position, chosen) for user, position in users[register.number]]
            if None in uses or (conditions and not conditions.issuperset(uses)):
                conditions.clear()
                break
            conditions.update(x for x in uses if x is not None)
        if len(conditions) == 1:
            (condition,) = conditions
            chosen.update({register.number: condition for register in instruction.results})
    return _acyclic(instructions, _worthwhile(instructions, chosen))


def _condition(user: Instruction, position: int, chosen: dict[int, Register]) -> Register | None:
    """Return the flag without which an operand of a user is not needed, or None."""
    if user.results[0].size or any(isinstance(x, Register) and x.size for x in user.operands):
        return None  # vectors are computed by several threads together, which must all be there
    outer = chosen.get(user.results[0].number)
    if outer is not None:
        return outer
    condition = user.operands[0]
    if user.op == "select_n" and position == 2 and isinstance(condition, Register) and condition.dtype.kind == "b":
        return condition
    return None


def _worthwhile(instructions: Sequence[Instruction], chosen: dict[int, Register]) -> dict[int, Register]:
    cost: dict[int, int] = defaultdict(int)
    for instruction in instructions:
        condition = chosen.get(instruction.results[0].number)
        if condition is not None:
            cost[condition.number] += COST.get(instruction.op, 1)
    return {number: condition for number, condition in chosen.items() if cost[condition.number] >= WORTH_A_BRANCH}


def _acyclic(instructions: Sequence[Instruction], chosen: dict[int, Register]) -> dict[int, Register]:
    """Leave out what depends on a choice that its own branch has to come before, or on another branch that does."""
    wanted = {condition.number for condition in chosen.values()}
    behind: dict[int, frozenset[int]] = {}  # the conditions whose choices a register depends on
    nothing: frozenset[int] = frozenset()
    for instruction in instructions:
        depends = nothing
        for operand in instruction.operands:
            if isinstance(operand, Register):
                depends |= behind.get(operand.number, nothing)
        condition = instruction.operands[0] if instruction.op == "select_n" else None
        if isinstance(condition, Register) and condition.number in wanted:
            depends |= {condition.number}
        for register in instruction.results:
            behind[register.number] = depends
            if depends:
                chosen.pop(register.number, None)
    # What is left out may have needed others, which must then be computed for all, too.
    while True:
        outside: set[int] = set()
        for instruction in instructions:
            own = chosen.get(instruction.results[0].number)
            for position, operand in enumerate(instruction.operands):
                if isinstance(operand, Register) and operand.number in chosen:
                    at_choice = instruction.op == "select_n" and position == 2 and instruction.operands[0] is chosen[operand.number]
                    if own is not chosen[operand.number] and not at_choice:
                        outside.add(operand.number)
        if not outside:
            return chosen
        for instruction in instructions:
            if any(register.number in outside for register in instruction.results):
                for register in instruction.results:
                    chosen.pop(register.number, None)


def _ordered(items: Sequence[Instruction | Branch]) -> list[Instruction | Branch]:
    """Sort so that every register is written before it is read, otherwise in the given order."""
    producers: dict[int, int] = {}
    reads: list[set[int]] = []
    for number, item in enumerate(items):
        inside = item.instructions if isinstance(item, Branch) else (item,)
        producers.update({register.number: number for i in inside for register in i.results})
    for number, item in enumerate(items):
        inside = item.instructions if isinstance(item, Branch) else (item,)
        read = {x.number for i in inside for x in i.operands if isinstance(x, Register)}
        if isinstance(item, Branch):
            read.add(item.condition.number)
        reads.append({producers[x] for x in read} - {number})
    waiting = [len(read) for read in reads]
    users: dict[int, list[int]] = defaultdict(list)
    for number, read in enumerate(reads):
        for producer in read:
            users[producer].append(number)
    ready = [number for number, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    order: list[Instruction | Branch] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(items[number])
        for user in users[number]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, user)
    if len(order) != len(items):
        raise AssertionError("the instructions of a program depend on each other in a circle")
    return order
