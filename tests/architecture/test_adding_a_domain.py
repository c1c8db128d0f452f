"""docs/adding-a-domain.md, built in a copy of the project: what it says is enough."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.kit.root import ROOT

PAGE = ROOT / "docs" / "adding-a-domain.md"
MADE = re.compile(r"```python\n# ([\w/]+\.py)\n(.*?)```", re.DOTALL)
ADDED = re.compile(r"In `([\w/.]+)`, after `([^`]+)`:\n\n```text\n(.*?)```", re.DOTALL)
OWN = re.compile(r"(engine|models|tests)/check_ins/|api/members/check_ins\.py|models/migrations/")
LISTS = {"engine/domains.py", "models/domains.py", "api/domains.py", "tests/kit/permissions.py"}
COPIED = ("engine", "runtime", "models", "workers", "schedules", "api", "ops", "partner", "trials")
ALSO = ("tests", "benchmarks", "docs", "pyproject.toml", "README.md", "CONTRIBUTING.md")
RUN = "from trials.testing import test; raise SystemExit(test({}))"
CHECKED = [
    *("-n0", "-q", "-p", "no:cacheprovider", "tests/check_ins"),
    *(f"tests/architecture/test_{name}.py" for name in ("kinds", "names", "parts", "rooms")),
    "tests/privacy/test_privacy.py::test_every_table_with_users_rows_says_what_becomes_of_it",
    "tests/privacy/test_privacy.py::test_every_column_that_names_a_member_says_so",
]


def test_the_page_builds_a_domain_that_passes_its_tests(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    for name in (*COPIED, *ALSO):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    page = PAGE.read_text()
    touched = {path for path, _, _ in ADDED.findall(page)}
    assert touched == LISTS, "three lists, and the permission table"
    _build(copy, page)
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(CHECKED)],
        cwd=copy,
        env=env | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def _build(copy: Path, page: str) -> None:
    versions = sorted((copy / "models/migrations/versions").glob("[0-9]*.py"))
    for name, source in MADE.findall(page):
        assert OWN.match(name), f"{name} is not the domain's own"
        path = copy / name
        path.parent.mkdir(exist_ok=True)
        init = path.parent / "__init__.py"
        if not init.exists() and "migrations" not in name:
            init.write_text('"""Check-ins."""\n')
        path.write_text(source.replace("{head}", versions[-1].name[:4]))
    for name, anchor, line in ADDED.findall(page):
        path = copy / name
        text = path.read_text()
        assert text.count(anchor) == 1, f"{name}: {anchor}"
        path.write_text(text.replace(anchor, f"{anchor}\n{line.rstrip()}"))
