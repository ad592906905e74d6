"""Every example in every docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ["jaxenv", "jaxenv_classic", "jaxenv_bsuite", "jaxenv_minatar", "jaxenv_misc"]


def modules():
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield name
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            # The wrappers' examples are about an environment that core's own tests bring; they run there.
            if not any(word in found.name for word in ("plugin_template", "__main__", "jaxenv.wrappers.")):
                yield found.name


def imported(name):
    """Import a module; None for an adapter to a library that is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if "jaxenv.adapters." not in name:
            raise
        return None


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in filter(None, map(imported, modules())):
        for test in finder.find(module):
            if test.examples:
                yield pytest.param(test, id=test.name)


EXAMPLES = list(examples())


@pytest.mark.parametrize("test", EXAMPLES)
def test_docstring(test):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test, clear_globs=False)
    assert runner.failures == 0


def test_examples_are_found():
    assert len(EXAMPLES) > 20
