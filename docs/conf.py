"""Sphinx configuration."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from django_authaudit import __version__  # noqa: E402

project = "django-authaudit"
author = "The django-authaudit contributors"
copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "catalogue"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
# A heading's anchor is part of the contract: the hints of system checks link to it.
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]

html_theme = "furo"
html_static_path = ["_static"]
html_title = f"django-authaudit {release}"
