"""Environments of other suites as environments of jaxenv: one class for each suite, imported with it when it is first used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
