"""Runs the tests that need other apps or another user model, each in a process of its own."""

import os
import re
import subprocess
import sys
from ast import literal_eval
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings

from tests.sources.conftest import SETTINGS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
AXES = "test_axes.py"
LOCKS = f"{AXES}::TestLock"
ORDERS = {
    "axes-first": "axes django_authaudit",
    "admin-first": "django.contrib.admin django_authaudit axes",
    "admin-and-axes-first": "django.contrib.admin axes django_authaudit",
}


def run(file, suffix, *, tests="", **variables):
    coverage = sys.modules.get("coverage")
    measured = coverage is not None and coverage.Coverage.current() is not None
    measure = ["coverage", "run", "--parallel-mode", "-m"] if measured else []
    command = [sys.executable, "-m", *measure, "pytest", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, str(HERE / (tests or file))],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS[file],
            # The database of this run is in use.
            "DATABASE_NAME": f"{settings.DATABASE_NAME}_{suffix}",
            **({} if tests else {"AUTHAUDIT_WHOLE_MODULE": "1"}),
            **variables,
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def missing(file):
    """Return the first package that the settings of `file` require and that is not installed."""
    source = (ROOT / SETTINGS[file].replace(".", "/")).with_suffix(".py").read_text()
    required = re.search(r"^REQUIRES = (\[.*?\])$", source, re.MULTILINE | re.DOTALL)
    names = literal_eval(required[1]) if required else []
    return next((name for name in names if find_spec(name) is None), None)


def skip_without(file):
    package = missing(file)
    if package and not os.environ.get("AUTHAUDIT_ECOSYSTEM"):
        pytest.skip(f"needs {package}, of the extra `ecosystem`")


@pytest.mark.parametrize("file", SETTINGS)
def test_with_the_settings_of(file):
    skip_without(file)
    run(file, Path(file).stem)


@pytest.mark.parametrize("order", ORDERS)
def test_with_axes_in_the_order(order):
    skip_without(AXES)
    run(AXES, f"axes_{len(order)}", tests=LOCKS, FIRST_APPS=ORDERS[order])
