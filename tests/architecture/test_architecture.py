"""The picture in the README stays true: layers, clock reads and commits are read from the code."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.root import ROOT

MAY_IMPORT = {
    "engine": {"engine"},
    "runtime": {"engine", "runtime"},
    "models": {"engine", "runtime", "models"},
    "workers": {"engine", "runtime", "models", "workers"},
    "schedules": {"engine", "runtime", "models", "workers", "schedules"},
    "api": {"engine", "runtime", "models", "api"},
    "partner": {"engine", "runtime", "models", "api", "partner"},
    "ops": {"engine", "runtime", "models", "workers", "schedules", "api", "partner", "ops"},
    "trials": {"engine", "runtime", "models", "workers", "schedules", "api", "partner", "ops"}
    | {"trials"},
}
# What the wheel and the image have.
SHIPPED = set(MAY_IMPORT) - {"trials"}
PURE_STDLIB = {"array", "base64", "bisect", "collections", "datetime", "enum", "hashlib"} | {
    "functools",
    "importlib",  # by engine/domains.py, of our own
    "itertools",
    "math",
    "operator",
    "pkgutil",
    "re",
    "typing",
    "unicodedata",
    "uuid",
}
# Libraries that are as pure: data and functions of it.
PURE_LIBRARIES = {
    "disposable_email_domains",
    "email_validator",
    "msgspec",
    "phonenumbers",
    "publicsuffixlist",
}
CLOCK_READS = {("datetime", "now"), ("datetime", "utcnow"), ("time", "time"), ("time", "time_ns")}
COMMITS = {"begin", "begin_nested", "commit", "rollback"}
LINES_MAX = 300
FUNCTION_LINES_MAX = 50


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_layers_import_downwards_only(package: str) -> None:
    ours = set(MAY_IMPORT) | {"benchmarks", "tests"}
    for path in sources(package):
        assert imported(path) & ours <= MAY_IMPORT[package], path


def test_what_is_shipped_needs_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == SHIPPED
    image = re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(image) == SHIPPED
    assert all(MAY_IMPORT[package] <= SHIPPED for package in SHIPPED)
    # By name, at run time: the one command looks whether they are there.
    named = {
        path.relative_to(ROOT).as_posix()
        for package in SHIPPED
        for path in sources(package)
        for node in nodes(path)
        if isinstance(node, ast.Constant) and re.match(r"trials\b", str(node.value))
    }
    assert named == {"ops/cli.py"}
    without = "import sys; sys.modules['trials'] = None; import ops.cli; ops.cli.app()"
    command = [sys.executable, "-c", without, "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "release" in said
    assert "simulate" not in said


def test_the_rules_use_only_pure_parts_of_the_standard_library() -> None:
    for path in sources("engine"):
        assert imported(path) <= PURE_STDLIB | PURE_LIBRARIES | {"engine"}, path


def test_the_clock_is_read_in_one_place() -> None:
    reads = {
        path.relative_to(ROOT).as_posix()
        for package in MAY_IMPORT
        for path in sources(package)
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in CLOCK_READS
    }
    assert reads == {"runtime/clock.py"}


def test_what_the_server_is_told_is_said_in_one_place() -> None:
    tells = {
        path.relative_to(ROOT).as_posix()
        for package in (*MAY_IMPORT, "benchmarks")
        for path in sources(package)
        if "granian" in imported(path) or '"granian"' in path.read_text()
    }
    assert tells == {"runtime/serving.py"}
    for name in ("Procfile", "Dockerfile", "docker-compose.yml", "deploy/kubernetes/base/web.yaml"):
        assert "granian" not in (ROOT / name).read_text(), name


def test_cookies_are_read_in_one_place() -> None:
    """The framework's reader takes quadratic time (`api/web_base/cookies.py`)."""
    for package in ("api", "ops", "partner", "workers"):
        for path in sources(package):
            read = {
                node.attr
                for node in nodes(path)
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
            }
            assert "cookies" not in read, path
            assert not imported(path) & {"http.cookies"}, path
            assert "SimpleCookie" not in path.read_text(), path


def test_coins_move_through_one_door() -> None:
    """Rows of the ledger, settled balances and holdings are written in one place."""
    writes = re.compile(
        r"(?is)(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:transactions|wallet_funds)\b"
        r"|\bsettled_balance = "
    )
    found = {
        path.relative_to(ROOT).as_posix()
        for package in MAY_IMPORT
        for path in sources(package)
        if "versions" not in path.parts and writes.search(path.read_text())
    }
    assert found == {"models/ledger/post.py"}


def test_only_models_begins_or_commits_transactions() -> None:
    for package in set(MAY_IMPORT) - {"models"}:
        for path in sources(package):
            calls = {
                node.func.attr
                for node in nodes(path)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }
            assert not calls & COMMITS, path


@pytest.mark.parametrize("package", ["tests", "benchmarks"])
def test_what_tries_the_code_is_in_small_files(package: str) -> None:
    for path in sources(package):
        assert len(path.read_text().splitlines()) <= LINES_MAX, path


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_files_and_functions_stay_small(package: str) -> None:
    for path in sources(package):
        # A migration is one step from one state to the next, and stays as it was applied.
        if "versions" in path.parts:
            continue
        assert len(path.read_text().splitlines()) <= LINES_MAX, path
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= FUNCTION_LINES_MAX, f"{path}: {node.name}"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_public_things_have_docstrings(package: str) -> None:
    for path in sources(package):
        if "versions" in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_no_test_imports_a_test() -> None:
    """What several tests need stands in `tests/kit/`."""
    for path in sources("tests"):
        modules = {
            module
            for node in nodes(path)
            if isinstance(node, ast.ImportFrom) and node.module
            for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            if module.startswith("tests.")
        }
        for module in modules:
            last = module.rpartition(".")[2]
            is_file = (ROOT / module.replace(".", "/")).with_suffix(".py").exists()
            assert not (is_file and (last.startswith("test_") or last == "conftest")), path


def test_rules_are_tested_as_functions() -> None:
    """Those of every domain that has rules: `test_rules.py` needs no server and no fixture."""
    with_rules = {path.parent.name for path in (ROOT / "engine").glob("*/rules.py")}
    tested = {path.parent.name: path for path in (ROOT / "tests").glob("*/test_rules.py")}
    assert with_rules <= set(tested)
    for path in tested.values():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert isinstance(node, ast.FunctionDef), f"{path}: {node.name}"
                taken = {argument.arg for argument in node.args.args}
                assert not taken & {"world", "database", "config", "processes", "clock"}, path
