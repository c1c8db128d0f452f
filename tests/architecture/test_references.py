"""What pages, docstrings and comments name is there: files, and what is defined in them."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.kit.root import ROOT

FOLDERS = (
    *("engine", "runtime", "models", "workers", "schedules", "api", "partner", "ops", "trials"),
    *("tests", "benchmarks", "deploy", "clients"),
)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
OURS = "|".join(FOLDERS)
QUOTED = re.compile(r"`([^`\n]+)`")
# `a/b.py: one, two`, `a/b/`, or `c.py` for one beside the file before it.
FILE = re.compile(rf"((?:(?:{OURS})/[\w./-]*|[a-z_]+\.py))(?:: (\w[\w.]*(?:, \w[\w.]*)*))?")
DOTTED = re.compile(rf"(?<![\w./-])((?:{OURS})(?:\.[A-Za-z_]\w*)+)(?![\w/-])")
# Names of what a reader is to make.
EXAMPLES = re.compile(r"NNNN|test_x\.py|test_yours\.py")
SLASHED = re.compile(rf"(?<![\w./-])((?:{OURS})/[\w/-]+\.py)(?:: (\w+))?")


@cache
def defined(path: Path) -> frozenset[str]:
    """Every name that a module defines, at whatever depth, and what it imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return frozenset(names)


def lacks(path: Path, names: str | None) -> list[str]:
    """Those of the names that the module does not define."""
    if not names or path.suffix != ".py":
        return []
    return [name for name in names.split(", ") if not {*name.split(".")} <= defined(path)]


def wrong_on(text: str) -> Iterator[str]:
    """What a page names that is not there."""
    for paragraph in text.split("\n\n"):
        folders: list[Path] = []
        for quoted in QUOTED.findall(paragraph):
            match = FILE.fullmatch(quoted)
            if match is None or EXAMPLES.search(quoted):
                continue
            name, names = match.groups()
            if "/" in name:
                path = ROOT / name
                folders.append(path.parent if path.suffix else path)
            else:
                beside = [folder / name for folder in folders if (folder / name).exists()]
                if not folders:
                    continue  # no file of ours has been named
                path = beside[-1] if beside else folders[-1] / name
            if not path.exists() or lacks(path, names):
                yield quoted


def said(path: Path) -> Iterator[str]:
    """Comments and docstrings."""
    text = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def wrong_in(text: str) -> Iterator[str]:
    """What a docstring or comment names that is not there."""
    for name, names in SLASHED.findall(text):
        if EXAMPLES.search(name):
            continue
        if not (ROOT / name).exists() or lacks(ROOT / name, names):
            yield name
    for dotted in DOTTED.findall(text):
        first, *rest = dotted.split(".")
        path = ROOT / first
        while rest and (path / rest[0]).is_dir():
            path /= rest.pop(0)
        if rest and (path / f"{rest[0]}.py").exists():
            path /= f"{rest.pop(0)}.py"
        elif (path / "__init__.py").exists():
            path /= "__init__.py"
        if not path.is_file() or (rest and rest[0] not in defined(path)):
            yield dotted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    assert [*wrong_on(page.read_text())] == []


def test_what_comments_name_is_there() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): found
        for path in SOURCES
        if (found := [name for text in said(path) for name in wrong_in(text)])
    }
    assert wrong == {}
