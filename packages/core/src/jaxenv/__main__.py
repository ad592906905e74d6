"""``python -m jaxenv``: the same as ``jaxenv``."""

from jaxenv.cli import main

if __name__ == "__main__":
    main()
