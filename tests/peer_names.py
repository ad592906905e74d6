"""Print the public names of gymnax or Gymnasium, for the migration pages: ``python tests/peer_names.py gymnax``.

The names are read from the sources of the installed package, which is not imported: some modules need libraries that are not there.
``tests/peer_names.json`` holds them for the versions that the pages are about; ``tests/test_coming_from.py`` compares.
"""

import ast
import json
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

MODULES = {
    "gymnax": None,  # all
    "gymnasium": (
        "gymnasium",
        "gymnasium.core",
        "gymnasium.envs.registration",
        "gymnasium.error",
        "gymnasium.experimental.functional",
        "gymnasium.spaces",
        "gymnasium.spaces.space",
        "gymnasium.utils",
        "gymnasium.vector",
        "gymnasium.vector.utils",
        "gymnasium.vector.vector_env",
        "gymnasium.wrappers",
        "gymnasium.wrappers.vector",
    ),
}
"""Where each package has public names."""


def own_names(body):
    """Yield what a module or class defines: functions, classes and values."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))


def names(source, is_package):
    """Return the public names of a module; those of the members of its classes have the class before a dot."""
    tree = ast.parse(source)
    found = set(own_names(tree.body))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and is_package:
            found.update(alias.asname or alias.name for alias in node.names)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            found = set(ast.literal_eval(node.value))
            break
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{name}" for name in own_names(node.body))
    return sorted(name for name in found if not any(part.startswith("_") for part in name.split(".")) and name != "annotations")


def public_names(package):
    """Return the public names of each module of an installed package."""
    root = Path(find_spec(package).origin).parent
    found = {}
    for file in sorted(root.rglob("*.py")):
        module = ".".join((package, *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        if MODULES[package] is None or module in MODULES[package]:
            found[module] = names(file.read_text(encoding="utf-8"), file.name == "__init__.py")
    return {module: own for module, own in found.items() if own}


if __name__ == "__main__":
    for package in sys.argv[1:]:
        print(json.dumps({f"{package} {version(package)}": public_names(package)}, indent=1))
