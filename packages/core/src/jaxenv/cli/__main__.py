"""``python -m jaxenv.cli``: the same as ``jaxenv``."""

from jaxenv.cli import main

main()
