"""The shape of the package is a promise; these tests hold it to it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "django_authaudit"
FILES = sorted(PACKAGE.rglob("*.py"))
PARTS_WITH_A_TEST_EACH = ("sources", "sinks", "formats", "management/commands")
LONGEST_FILE = 300
# An auditor carries it away as one file, and reads it as one.
LONGER = {"integrity/verify_bundle.py": 520}
LINT_IMPORTS = """
import sys
from importlinter.cli import lint_imports

sys.exit(lint_imports(no_cache=True))
"""
HOME_OF_THE_GUARD = "guard.py"
EVERYTHING = {"Exception", "BaseException"}
OWN_OR_ALWAYS_INSTALLED = {"asgiref", "django", "django_authaudit", "ipware", "python_ipware"}


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def each_file() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", FILES, ids=relative)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def names_everything(node: ast.expr | None) -> bool:
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(kind, ast.Name) and kind.id in EVERYTHING for kind in kinds)


def catches_everything(node: ast.AST) -> bool:
    """Tell whether `node` is one of the three ways to hold back any error."""
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or names_everything(node.type)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return called in {"isinstance", "suppress"} and any(map(names_everything, node.args))
    return False


def is_for_types_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, wherever they are nested."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types_only(node):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from run_at_import(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from run_at_import(handler.body)


def imported_at_import(path: Path) -> set[str]:
    roots = set()
    for node in run_at_import(tree_of(path).body):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.partition(".")[0])
    return roots


def test_arrows_point_down_only() -> None:
    # In a process of its own: import-linter configures logging, which disables every logger.
    done = subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@each_file()
def test_no_file_is_longer_than_three_hundred_lines(path: Path) -> None:
    longest = LONGER.get(relative(path), LONGEST_FILE)

    assert len(path.read_text(encoding="utf-8").splitlines()) <= longest


@pytest.mark.parametrize("path", sorted((PACKAGE / "management/commands").glob("*_log.py")))
def test_a_command_is_shorter_than_a_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100


def test_one_place_holds_back_any_error() -> None:
    places = [
        relative(path)
        for path in FILES
        for node in ast.walk(tree_of(path))
        if catches_everything(node)
    ]

    assert places == [HOME_OF_THE_GUARD]


@each_file()
def test_nothing_is_printed(path: Path) -> None:
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]

    assert not [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]


@each_file()
def test_importing_a_module_needs_no_third_party(path: Path) -> None:
    foreign = imported_at_import(path) - sys.stdlib_module_names - OWN_OR_ALWAYS_INSTALLED

    # A sink is imported only where the settings name it, and a check reports what it lacks.
    assert not foreign or path.parent == PACKAGE / "sinks"


@pytest.mark.parametrize(
    "path",
    [
        path
        for part in PARTS_WITH_A_TEST_EACH
        for path in sorted((PACKAGE / part).glob("*.py"))
        if path.stem not in {"__init__", "base"}
    ],
    ids=relative,
)
def test_every_extension_has_a_test_file_of_its_name(path: Path) -> None:
    folder = relative(path.parent).removesuffix("/commands")

    assert (ROOT / "tests" / folder / f"test_{path.stem}.py").is_file()


@pytest.mark.parametrize("name", ["utils", "helpers", "compat"])
def test_no_module_is_a_grab_bag(name: str) -> None:
    assert not [relative(path) for path in FILES if path.stem == name]
