"""The five games of MinAtar, exactly: Asterix, Breakout, Freeway, Seaquest and SpaceInvaders."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
