"""Classic control, step for step Gymnasium's: CartPole, Pendulum, Acrobot, MountainCar and MountainCarContinuous."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
