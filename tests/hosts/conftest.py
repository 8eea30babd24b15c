"""The project's own tests are run by the project's own runners."""

collect_ignore = ["project"]
