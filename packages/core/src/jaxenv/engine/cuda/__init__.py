"""From programs on scalars to CUDA C, to PTX, and to one operation of JAX."""
