"""What is released says of itself what is true."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

import django_authaudit

ROOT = Path(__file__).resolve().parent.parent
SETUP = configparser.ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
TOX = configparser.ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini", encoding="utf-8")


def classified(prefix: str) -> set[str]:
    lines = SETUP["metadata"]["classifiers"].splitlines()
    versions = {line.removeprefix(f"{prefix} :: ") for line in lines if line.startswith(prefix)}
    return {version for version in versions if re.fullmatch(r"\d+\.\d+", version)}


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "django_authaudit", check=True, dry_run=True, verbosity=0)


def test_importing_the_package_needs_no_settings_and_no_installed_apps() -> None:
    environment = {
        name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
    }

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import django_authaudit"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_everything_public_can_be_imported_by_its_name() -> None:
    assert [name for name in django_authaudit.__all__ if not hasattr(django_authaudit, name)] == []


def test_the_package_is_marked_as_typed() -> None:
    assert (ROOT / "django_authaudit" / "py.typed").is_file()


def test_every_source_of_a_package_has_an_extra_and_an_environment_of_its_name() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "sources").glob("*.md")}
    alone = next(name for name in TOX.sections() if name.startswith("testenv:{"))
    extras = SETUP["options.extras_require"]

    assert set(alone[len("testenv:{") : -1].split(",")) == pages - {"allauth"}
    assert pages <= set(extras)
    together = set(re.findall(r"django-authaudit\[(\w+)\]", extras["ecosystem"]))
    assert together == pages - {"allauth"}


def test_every_promised_django_has_a_pair_that_runs_it() -> None:
    run = set(re.findall(r"^django\d+: django~=(\d+\.\d+)\.0$", TOX["testenv"]["deps"], re.M))

    assert run == classified("Framework :: Django")


def test_the_oldest_promised_python_is_the_oldest_that_can_install_it() -> None:
    promised = classified("Programming Language :: Python")
    oldest = min(promised, key=lambda version: int(version.removeprefix("3.")))

    assert SETUP["options"]["python_requires"] == f">={oldest}"
    assert f"py{oldest.replace('.', '')}-django52" in TOX["tox"]["env_list"]


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)

    assert headings[0] == "Unreleased"
