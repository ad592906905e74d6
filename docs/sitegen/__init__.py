"""The pages of the site that are generated when it is built: environments, API reference, command line, and files of the repository."""
