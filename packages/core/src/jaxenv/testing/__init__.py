"""Tests for authors: the conformance kit, and the certificates of fidelity."""

import lazy_loader

# Lazily, so that pytest can load the plugin next door without importing JAX.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
