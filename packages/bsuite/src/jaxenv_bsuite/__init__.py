"""The whole Behaviour Suite for jaxenv: ten tasks, 23 experiments, 468 ids, and the scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
