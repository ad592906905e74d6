"""Write core's list of the environments that are published beside it: ``python packages/core/scripts/known_envs.py``.

It reads the entry point in the ``pyproject.toml`` of each package next to core, and the table of the plugin that it names.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from pathlib import Path

PACKAGES = Path(__file__).parents[2]
TARGET = PACKAGES / "core" / "src" / "jaxenv" / "registry" / "known_envs.json"


def known_envs() -> str:
    """Return what the file should hold: a line for each distribution."""
    entries = []
    for path in sorted(PACKAGES.glob("*/pyproject.toml")):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for namespace, module in project.get("entry-points", {}).get("jaxenv", {}).items():
            source = str(path.parent / "src")
            if source not in sys.path:
                sys.path.insert(0, source)
            name, _, attribute = module.partition(":")
            plugin = importlib.import_module(name)
            plugin = getattr(plugin, attribute) if attribute else plugin
            if not hasattr(plugin, "jaxenv_envs"):
                continue
            entry = {
                "distribution": project["name"],
                "package": module.partition(".")[0],
                "namespace": namespace,
                # A plugin whose environments need another library lists them only where that is installed.
                "names": [spec.name for spec in getattr(plugin, "all_envs", plugin.jaxenv_envs)()],
            }
            if hasattr(plugin, "requires"):
                entry["requires"] = plugin.requires
            entries.append(json.dumps(entry))
    return "[\n" + ",\n".join(entries) + "\n]\n"


if __name__ == "__main__":
    TARGET.write_text(known_envs(), encoding="utf-8")
