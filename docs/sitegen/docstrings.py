"""Docstrings as Markdown.

Docstrings use a few forms of reStructuredText: simple tables, roles, double backquotes, literal blocks and doctests.
:func:`markdown` rewrites these and leaves everything else alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

_RULE = re.compile(r"=+( +=+)*")
_ROLE = re.compile(r":(?:class|func|meth|attr|mod|data|exc):`(~?)([^`]+)`")


def _code(target: str, text: str) -> str:
    del target
    return f"`{text}`"


def markdown(text: str, link: Callable[[str, str], str] = _code) -> str:
    """Return a docstring as Markdown.

    Args:
        text: the docstring, with its indentation removed.
        link: maps the target of a role and its text to Markdown.
    """
    return "\n".join(_inline(line, link) if prose else line for prose, line in _blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[tuple[bool, str]]:
    """Yield lines of Markdown, each with whether roles and backquotes in it are still to be rewritten."""
    at = 0
    while at < len(lines):
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip())]
        if _RULE.fullmatch(line.strip()) and len(line.strip()) > 3:
            end = _end_of_table(lines, at)
            yield from ((True, f"{indent}{row}") for row in _table([row[len(indent) :] for row in lines[at:end]]))
        elif line.lstrip().startswith(">>> "):
            end = _until(lines, at, lambda row: not row.strip())
            yield from ((False, row) for row in (f"{indent}```pycon", *lines[at:end], f"{indent}```"))
        elif line.endswith("::"):
            end = _until(lines, at + 1, lambda row, indent=indent: bool(row.strip()) and not row.startswith(f"{indent} "))
            block = lines[at + 1 : end]
            while block and not block[-1].strip():
                block.pop()
            while block and not block[0].strip():
                block.pop(0)
            yield True, line[:-1]
            deeper = len(block[0]) - len(block[0].lstrip()) if block else 0
            language = "python" if any(re.search(r"[=(]", row) for row in block) and "[" not in block[0] else "text"
            yield from ((False, row) for row in ("", f"{indent}```{language}"))
            yield from ((False, f"{indent}{row[deeper:]}") for row in block)
            yield from ((False, row) for row in (f"{indent}```", ""))
        else:
            end = at + 1
            yield True, line
        at = end


def _until(lines: list[str], start: int, stop: Callable[[str], bool]) -> int:
    return next((at for at in range(start, len(lines)) if stop(lines[at])), len(lines))


def _end_of_table(lines: list[str], start: int) -> int:
    """Return the line after a table: after the rule that an empty line follows."""
    rules = [at for at in range(start, len(lines)) if _RULE.fullmatch(lines[at].strip())]
    for at in rules[1:]:
        if at + 1 == len(lines) or not lines[at + 1].strip():
            return at + 1
    return len(lines)


def _table(lines: list[str]) -> Iterator[str]:
    """Yield a simple table of reStructuredText as one of Markdown; a line whose first cell is empty continues the one above."""
    starts = [match.start() for match in re.finditer(r"=+", lines[0])]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    rules = [at for at, line in enumerate(lines) if _RULE.fullmatch(line.strip())]
    head, body = (lines[1 : rules[1]], lines[rules[1] + 1 : rules[-1]]) if len(rules) > 2 else ([], lines[1 : rules[-1]])
    yield ""
    yield _row(next(_cells(head, spans), [""] * len(spans)))
    yield _row(["---"] * len(spans))
    yield from map(_row, _cells(body, spans))
    yield ""


def _cells(lines: list[str], spans: list[tuple[int, int | None]]) -> Iterator[list[str]]:
    rows: list[list[str]] = []
    for line in lines:
        cells = [line[start:end].strip() for start, end in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    yield from rows


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _inline(line: str, link: Callable[[str, str], str]) -> str:
    def role(match: re.Match[str]) -> str:
        short, target = match.groups()
        return link(target, target.rpartition(".")[2] if short else target)

    line = _ROLE.sub(role, line)
    return re.sub(r"``([^`]+)``", r"`\1`", line)
