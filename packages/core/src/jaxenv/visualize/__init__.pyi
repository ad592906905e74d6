from . import palette as palette, props as props
from .canvas import Canvas as Canvas, Size as Size
from .visualizer import Visualizer as Visualizer
