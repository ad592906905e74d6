"""Settings of every test run: strict promotion, hooks checked against their annotations, one cache, documents executed."""

import contextlib
import gc
import inspect
import itertools
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

import jax
import pytest
from beartype import beartype
from jaxtyping import jaxtyped
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# One cache for all workers and for the processes that tests start. It keeps small programs too: compiling one takes ten times as
# long as reading it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"]))

from jaxenv.environment import Environment  # noqa: E402 - after the settings above

_init_subclass = Environment.__init_subclass__.__func__


def check_shapes(cls, **kwargs):
    """Check the hooks of our environments against their annotations on every call.

    Not the fields of states: a stacked state is a state too, and pytree machinery makes states of placeholders.
    """
    if cls.__module__.startswith("jaxenv_"):
        for name, member in list(vars(cls).items()):
            if inspect.isfunction(member):
                setattr(cls, name, jaxtyped(typechecker=beartype)(member))
    _init_subclass(cls, **kwargs)


Environment.__init_subclass__ = classmethod(check_shapes)


def open_page(namespace):
    """Run a document's blocks as one module, in a folder of its own: its classes can be pickled, and it may write files."""
    page = ModuleType("page")
    page.__getattr__ = namespace.__getitem__
    sys.modules["page"] = page
    namespace.update(__name__="page", _folder=tempfile.TemporaryDirectory(), _back=Path.cwd())
    os.chdir(namespace["_folder"].name)


def close_page(namespace):
    """Leave things as they were."""
    del sys.modules["page"]
    os.chdir(namespace["_back"])
    namespace["_folder"].cleanup()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Do not look for garbage among the many objects that collecting makes, which stay: that takes as long as making them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module")
def unoptimized():
    """Compile the programs of a module without most optimizations, in about half the time.

    For tests of what a program computes, which play little. Not for tests of how closely two programs agree: those compare what
    users run. The module's programs are dropped at its end, so that no other test runs them.
    """
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


MOST_MAPS = 25_000
"""Memory maps of a process beyond which compiled programs are dropped; Linux allows 65,530, and the compiler crashes there."""
_tests = itertools.count(1)


def pytest_runtest_logfinish():
    """Drop compiled programs, each of which holds a few memory maps, before there are too many; look after every 20th test."""
    maps = Path("/proc/self/maps")
    if next(_tests) % 20 == 0 and maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    """Run the blocks above a document's block first, if this process has not: pytest-xdist may have given them to another."""
    block = getattr(item, "example", None)
    if block is None:
        return
    ran = block.namespace.setdefault("_ran", set())
    for above in block.document.examples():
        if above.start < block.start and above.start not in ran:
            ran.add(above.start)
            with contextlib.suppress(SkipTest):
                above.evaluate()
    ran.add(block.start)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    excludes=["packages/core/src/**", "tests/**"],
    setup=open_page,
    teardown=close_page,
).pytest()
