"""The browser's tests are collected where its driver is installed alone."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("selenium") else ["test_*.py"]
