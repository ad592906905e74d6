"""A plugin whose module cannot be imported."""

import a_dependency_that_is_not_there  # noqa: F401
