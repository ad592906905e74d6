"""jaxenv's environments for agents that were written for other libraries: a module for each of those."""
