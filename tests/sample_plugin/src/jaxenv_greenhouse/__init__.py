"""A greenhouse for jaxenv: heating, misting and venting through a day of changing weather."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
