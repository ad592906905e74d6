"""Names that are imported when they are first used."""

import sys

import pytest
from jaxenv.lazy import exports


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that exports a number of one module and a function of another, which cannot be imported."""
    folder = tmp_path / "jaxenv_ponds"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from jaxenv.lazy import exports\n"
        "__getattr__, __dir__ = exports(__name__, pond=('DEPTH', 'Missing'), ruin=('Ruin',))\n"
        "OWN = 1\n"
    )
    (folder / "pond.py").write_text("DEPTH = 3.0\n")
    (folder / "ruin.py").write_text("raise RuntimeError('it fell down')\n")
    monkeypatch.syspath_prepend(tmp_path)
    import jaxenv_ponds

    yield jaxenv_ponds
    for name in [name for name in sys.modules if name.startswith("jaxenv_ponds")]:
        del sys.modules[name]


def test_a_module_is_imported_when_a_name_of_it_is_first_used(package):
    assert "jaxenv_ponds.pond" not in sys.modules
    assert package.DEPTH == 3.0
    assert "jaxenv_ponds.pond" in sys.modules
    assert "jaxenv_ponds.ruin" not in sys.modules


def test_a_name_is_looked_up_once(package):
    assert "DEPTH" not in vars(package)
    assert package.DEPTH is vars(package)["DEPTH"]


def test_dir_lists_what_is_there_and_what_can_be_had(package):
    assert {"DEPTH", "Missing", "Ruin", "OWN"} <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="module 'jaxenv_ponds' has no attribute 'Puddle'"):
        _ = package.Puddle
    with pytest.raises(AttributeError, match=r"module 'jaxenv_ponds\.pond' has no attribute 'Missing'"):
        _ = package.Missing


def test_the_error_of_a_module_is_its_own(package):
    with pytest.raises(RuntimeError, match="it fell down"):
        _ = package.Ruin


def test_what_is_returned_is_what_a_module_calls(package):
    get, names = exports("jaxenv_ponds", pond=("DEPTH",))
    assert get("DEPTH") == 3.0
    assert "DEPTH" in names()
