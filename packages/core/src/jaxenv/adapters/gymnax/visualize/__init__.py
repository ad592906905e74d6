"""gymnax's films."""

from jaxenv.adapters.gymnax.visualize import visualizer
from jaxenv.adapters.gymnax.visualize.visualizer import Visualizer

__all__ = ["Visualizer", "visualizer"]
