"""jaxenv: reinforcement-learning environments as pure JAX functions."""
