"""The documentation names what there is, and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import html
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.dispatch import Signal

import django_authaudit
from django_authaudit import conf, events, models, querysets, signals, sources
from django_authaudit.reports import health, profiles

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "django_authaudit"
PAGES = sorted(DOCS.glob("*.md"))
PACKAGE_PAGES = sorted((DOCS / "sources").glob("*.md"))
SETTINGS = sorted(name for name in dir(conf.Settings) if name.isupper())
README_WORDS = 450
CHECK_ID = re.compile(r"django_authaudit\.[EW]\d{3}")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def headings(name: str) -> list[str]:
    return re.findall(r"^##+ (.+)$", page(name), re.M)


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((PACKAGE / folder).glob("*.py"))


def test_every_setting_has_a_heading_with_its_type():
    documented = re.findall(r"^## `(\w+): .+`$", page("settings"), re.M)

    assert documented == SETTINGS


@pytest.mark.parametrize("name", SETTINGS)
def test_the_documented_default_of_a_setting_is_the_true_one(name, monkeypatch):
    section = page("settings").partition(f"## `{name}:")[2].partition("\n## ")[0]
    printed = re.search(r"Default `(.+?)`", section)
    monkeypatch.setattr(conf, "settings", SimpleNamespace())

    default = getattr(conf.conf, name)

    if printed is not None:
        assert ast.literal_eval(printed[1]) == default
    else:
        assert "Default empty" in section if not default else default is conf.DEFAULT_SINKS


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=lambda path: path.name)
def test_the_docs_name_no_setting_that_does_not_exist(path):
    named = set(re.findall(r"\bAUTHAUDIT_[A-Z_]+", path.read_text(encoding="utf-8")))

    assert named <= set(SETTINGS)


def test_every_check_has_a_heading_and_every_heading_a_check():
    ids = {
        found
        for path in PACKAGE.rglob("*.py")
        for found in CHECK_ID.findall(path.read_text(encoding="utf-8"))
    }
    documented = [heading for heading in headings("checks") if CHECK_ID.fullmatch(heading)]

    assert sorted(documented) == sorted(ids)


def test_every_event_stands_in_one_table():
    tables = re.findall(r"^:::\{events\} (.+)$", page("events"), re.M)
    prefixes = [prefix for table in tables for prefix in table.split()]

    for event in events.registered():
        if event.code.startswith(tuple(f"{family}." for family in BUILT_IN_FAMILIES)):
            assert sum(event.code.startswith(prefix) for prefix in prefixes) == 1, event.code


BUILT_IN_FAMILIES = ("account", "audit", "auth", "authz", "security")


def test_every_reason_and_every_key_of_metadata_is_explained():
    pages = [page("events"), *(path.read_text("utf-8") for path in PACKAGE_PAGES)]
    named = {word for text in pages for word in re.findall(r"`([\w]+)`", text)}

    assert set(reasons()) <= named
    assert set(metadata_keys()) <= named


def reasons() -> Iterator[str]:
    """Yield what the code gives as a reason, by that key, name or name of a function."""
    for path in (*files("sources"), PACKAGE / "mechanisms" / "login_failures.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values: list[ast.AST] = []
            if isinstance(node, ast.Dict):
                values = [v for k, v in zip(node.keys, node.values, strict=True) if is_reason(k)]
            elif isinstance(node, ast.Assign):
                values = [node.value] if is_reason(node.targets[0]) else []
            elif isinstance(node, ast.Call):
                values = [*node.args[1:2]] if node.args and is_reason(node.args[0]) else []
            elif isinstance(node, ast.FunctionDef) and node.name.endswith("_reason"):
                values = [node]
            yield from (text for value in values for text in words_in(value))


def is_reason(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Subscript):
        return "reason" in ast.unparse(node.value)
    return isinstance(node, ast.Constant | ast.Name) and "reason" in ast.unparse(node)


def words_in(node: ast.AST) -> Iterator[str]:
    for found in ast.walk(node):
        if isinstance(found, ast.Constant) and re.fullmatch("[a-z_]+", str(found.value)):
            yield str(found.value)


def metadata_keys() -> Iterator[str]:
    for path in files("", "sources", "mechanisms"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and is_metadata(node.value):
                yield str(ast.literal_eval(node.slice))
            elif (isinstance(node, ast.keyword) and node.arg == "metadata") or (
                isinstance(node, ast.Assign) and is_metadata(node.targets[0])
            ):
                yield from keys_of(node.value)


def keys_of(value: ast.expr) -> Iterator[str]:
    for key in value.keys if isinstance(value, ast.Dict) else ():
        if key is not None:
            yield str(ast.literal_eval(key))


def is_metadata(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name == "metadata"


def test_every_command_has_a_heading():
    commands = {path.stem for path in files("management/commands")} - {"__init__"}

    assert {f"`{name}`" for name in commands} <= set(headings("commands"))


def test_every_public_name_and_column_is_in_the_reference():
    names = [
        *django_authaudit.__all__,
        *(name for name, value in vars(signals).items() if isinstance(value, Signal)),
        *(name for name in vars(querysets.AuditLogQuerySet) if not name.startswith("_")),
        *(field.name for field in models.AuditLog._meta.concrete_fields),
    ]

    assert [name for name in names if not re.search(rf"\b{name}\b", page("api"))] == []


def test_every_source_of_a_package_has_a_page_and_djangos_are_named_where_they_are_chosen():
    section = page("settings").partition("## `AUTHAUDIT_SOURCES")[2].partition("\n## ")[0]
    pages = {path.stem for path in PACKAGE_PAGES}

    for name, source in sources.discover().items():
        if source.requires.startswith("django.contrib."):
            assert f"`{name}`" in section
        else:
            # The apps of one distribution share a page.
            assert pages & {name, name.partition("_")[0]}, name


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    assert len(text.split()) < README_WORDS
    assert [link for link in links if not (ROOT / link).is_file()] == []
    assert {f"docs/{path.name}" for path in PAGES if path.stem not in NOT_IN_README} <= set(links)


NOT_IN_README = ("index", "changelog")


def test_the_report_of_the_demo_is_what_a_report_says_today():
    shown = html.unescape((DOCS / "_static" / "demo-report.html").read_text(encoding="utf-8"))
    clauses = profiles.get("asvs5").clauses
    facts = [field.name.replace("_", " ") for field in dataclasses.fields(health.Health)]
    tables = ["sinks", "weaknesses"]

    missing = [
        word
        for word in (
            *(word for clause in clauses for word in (clause.id, clause.text)),
            *sources.discover(),
            *(fact for fact in facts if fact not in tables),
        )
        if f">{word}</td>" not in shown
    ]

    assert missing == [], "make it anew: make report"
