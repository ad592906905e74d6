"""Environments as pages that one can play in a browser, generated from their own code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
