from .greenhouse import Greenhouse as Greenhouse, GreenhouseParams as GreenhouseParams, GreenhouseState as GreenhouseState
