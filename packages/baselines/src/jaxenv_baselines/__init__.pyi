from .agent import Agent as Agent, load as load
