"""Lessons are Python files in ``docs/lessons``, in jupytext's percent format: each becomes a page, with its code as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sitegen.sources import DOCS

ORDER = (
    "getting_started",
    "ppo_from_scratch",
    "bsuite_in_ten_minutes",
    "evolving_pendula",
    "meta_learning_bandits",
    "anakin_space_invaders",
)
"""Lessons in the order in which they are read; others follow by their names."""


def files() -> list[Path]:
    """Return the lessons in the order in which they are read."""
    found = [path for path in (DOCS / "lessons").glob("*.py") if re.search(r"^# %%", path.read_text("utf-8"), re.MULTILINE)]
    return sorted(found, key=lambda path: (ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem))


def pages() -> dict[str, str]:
    """Return the pages by their paths below ``docs``."""
    return {_path(file): page(file.read_text(encoding="utf-8")) + _run(file) for file in files()}


def navigation() -> list[Any]:
    """Return the entries of the navigation: pages that are written as they are, and lessons."""
    written = sorted((DOCS / "lessons").glob("*.md"))
    return [f"lessons/{path.name}" for path in written] + [_path(file) for file in files()]


def _run(file: Path) -> str:
    """Return the end of a page: the figure of the lesson, if there is one beside it, and the command that runs it."""
    figure = f"\n![What the lesson draws]({file.stem}.png)\n" if file.with_suffix(".png").is_file() else ""
    return f"{figure}\n## Run it\n\n```bash\npython docs/lessons/{file.name}\n```\n"


def _path(file: Path) -> str:
    return f"lessons/{file.stem}.md"


def page(text: str) -> str:
    """Return a notebook in percent format as Markdown."""
    cells = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    blocks: list[str] = []
    for head, body in zip(cells[::2], cells[1::2], strict=True):
        if "[markdown]" in head:
            lines = body.strip().splitlines()
            if lines[0].strip() in ('"""', 'r"""'):
                blocks.append("\n".join(lines[1:-1]))
            else:
                blocks.append("\n".join(re.sub(r"^# ?", "", line) for line in lines))
        elif body.strip():
            blocks.append(f"```python\n{body.strip()}\n```")
    return "\n\n".join(blocks) + "\n"
