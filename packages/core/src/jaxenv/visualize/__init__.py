"""Pictures and films of environments.

:class:`Canvas` turns shapes into pixels, in JAX; an environment's ``render`` uses it. ``palette`` has colours, and ``props`` things
that several pictures show. :class:`Visualizer` turns a sequence of states into a GIF, an MP4, a PNG or an HTML page with a player.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
