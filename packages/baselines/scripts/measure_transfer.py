"""Evaluate every shipped agent in the reference implementation of its task, and write the results for ``docs/baselines.md``.

    python packages/baselines/scripts/measure_transfer.py
    python packages/baselines/scripts/measure_transfer.py --only Breakout --episodes 1000 --out docs/baselines/transfer.json

It needs the references, the extra ``oracle`` of ``jaxenv-classic``, ``jaxenv-minatar`` and ``jaxenv-bsuite``. Each result is
written at once. Agents whose weights have a result are skipped, so the script can be run again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from jaxenv_baselines import agent, files
from jaxenv_baselines.transfer import FAMILIES, transfer

DOCS = Path(__file__).parents[3] / "docs" / "baselines"


def main() -> None:
    """Evaluate the agents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DOCS / "transfer.json", help="file of the results")
    parser.add_argument("--only", nargs="*", help="ids, or parts of them")
    parser.add_argument("--episodes", type=int, default=1000, help="episodes on either side")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    results: dict[str, Any] = files.read_json(given.out) if given.out.is_file() else {}
    for described in agent.shipped():
        spec = described["spec"]
        env_id, digest = spec["id"], described["sha256"]
        wanted = spec["namespace"] in FAMILIES and (not given.only or any(part in env_id for part in given.only))
        done = results.get(env_id, {})
        if not wanted or (done.get("sha256") == digest and done["episodes"] >= given.episodes):
            continue
        start = time.perf_counter()
        found = transfer(agent.load(env_id), episodes=given.episodes, seed=given.seed).to_json()
        results[env_id] = {**found, "seed": given.seed, "sha256": digest}
        files.write_json(given.out, dict(sorted(results.items())))
        print(
            f"{env_id}: {found['package']} {found['mean']:.5g}, jaxenv {found['own_mean']:.5g}, "
            f"{found['standard_errors']:.2f} standard errors, {time.perf_counter() - start:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
