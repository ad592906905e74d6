"""Write docs/bridges.md from what the tests of jaxenv-bridges found: ``python docs/make_bridges.py docs/bridges/*.json``.

Each file is written by ``JAXENV_BRIDGES_REPORT=FILE python -m pytest packages/bridges/tests -m "long or not long"``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "bridges.md"

HEAD = """# Environments of other suites

[`jaxenv-bridges`](../packages/bridges/README.md) turns the environments of seven other suites into environments of jaxenv. `docs/make_bridges.py` writes this page from test runs.

"Ids" is the number of environments of the suite. "Passed" is the number of checks of `jaxenv.testing.check_env` that passed. A check is not run where it has nothing to test: no gradients are
promised, a game has no drawing, no episode of random play terminated. Some were left out to save time.

| environment | version | Python | JAX | ids | passed | failed because of the suite | not run |
|---|---|---|---|---|---|---|---|
"""


def rows(run: dict, names: list[str]) -> list[str]:
    """Return a line for each environment; ``names`` are all checks, of which a run may have left some out."""
    lines = []
    for found in run["environments"]:
        checks = found["checks"]
        kept = sum(outcome == "passed" for outcome in checks.values())
        idle = ", ".join(f"`{name}`" for name in names if checks.get(name, "unexercised") == "unexercised")
        broken = "; ".join(f"`{name}`: {reason}" for name, reason in found["broken"].items())
        cells = [
            f"`{found['id']}`",
            found["version"],
            run["python"],
            run["jax"],
            found["ids"],
            f"{kept} of {len(names)}",
            broken,
            idle,
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def page(runs: list[dict]) -> str:
    names = list(dict.fromkeys(name for run in runs for found in run["environments"] for name in found["checks"]))
    return HEAD + "\n".join(line for run in runs for line in rows(run, names)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page([json.loads(Path(name).read_text()) for name in sys.argv[1:]]))
