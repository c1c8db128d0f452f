"""The pages' scripts fit together: no build step would tell."""

import re
from pathlib import Path

from tests.kit.root import ROOT

WEB = ROOT / "api" / "web"
IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.[^"]+)"', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE)
EXPORTS = re.compile(r"^export \{([^}]*)\}", re.MULTILINE)


def exported(module: Path) -> set[str]:
    """The names that a module gives away."""
    source = module.read_text()
    listed = {name for names in EXPORTS.findall(source) for name in _names(names, -1)}
    return listed | set(EXPORT.findall(source))


def _names(listed: str, place: int) -> list[str]:
    """Names of a list such as "a, b as c": as they are called there (0), or here (-1)."""
    return [each.split(" as ")[place].strip() for each in listed.split(",") if each.strip()]


def test_whatever_a_script_imports_of_another_is_there() -> None:
    missing, found = [], 0
    for script in sorted(WEB.rglob("*.js")):
        for names, path in IMPORT.findall(script.read_text()):
            module = (script.parent / path).resolve()
            if "vendor" in module.parts:
                continue
            for name in _names(names, 0):
                found += 1
                if not module.exists() or name not in exported(module):
                    missing.append(f"{script.relative_to(WEB)}: {name} of {path}")
    assert missing == []
    assert found > 100
