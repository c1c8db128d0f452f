"""The app and the TypeScript client use nothing younger than the floor that the guide names."""

from pathlib import Path

import pytest

from tests.kit.floor import COMPILED, YOUNGER, YOUNGER_STYLES, younger_in
from tests.kit.root import ROOT

WEB = ROOT / "api" / "web"
CLIENT = ROOT / "clients" / "typescript"
SCRIPTS = [WEB / "sw.js", *sorted((WEB / "app").rglob("*.js"))]
EXAMPLES = {
    "AbortSignal.timeout and .any": "AbortSignal.any([a, b])",
    "AbortSignal.throwIfAborted": "signal?.throwIfAborted();",
    "crypto.randomUUID": "crypto.randomUUID()",
    "structuredClone": "structuredClone(found)",
    "at": "list.at(-1)",
    "replaceAll": 'text.replaceAll("a", "b")',
    "Object.hasOwn": "Object.hasOwn(found, name)",
    "findLast": "list.findLast(isOne)",
    "copying array methods": "list.toSorted()",
    "groupBy": "Object.groupBy(list, kind)",
    "Promise.any": "Promise.any(all)",
    "Array.fromAsync": "Array.fromAsync(all)",
    "WeakRef": "new WeakRef(found)",
    "logical assignment": "found ??= 1;",
    "private members": "return this.#found;",
    "static blocks": "class A { static { run(); } }",
    "top-level await": "await renew();",
    "lookbehind": r"/(?<=a)b/",
    "error causes": 'new Error("no", { cause: error })',
    "TextDecoderStream": "new TextDecoderStream()",
    "iterated streams": "for await (const bytes of answer.body) {}",
    "replaceChildren": "box.replaceChildren()",
    "requestSubmit": "form.requestSubmit()",
    "import assertions": 'import texts from "./a.json" with { type: "json" };',
}
STYLES = {
    ":has(), :is() and :where()": "p:has(a) { color: red }",
    "inset": "nav { inset: 0 }",
    "logical shorthands": "nav { margin-inline: 1rem }",
    "nesting": "nav { & a { color: red } }",
    "newer at-rules": "@layer base { }",
    "newer colours": "a { color: color-mix(in srgb, red, blue) }",
    "dvh alone": "a { height: 9dvh }",
    "newer units": "a { height: 9svh }",
    "individual transforms": "a { rotate: 9deg }",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(WEB)))
def test_scripts_keep_to_the_floor(script: Path) -> None:
    assert younger_in(script.read_text(), YOUNGER) == set()


def test_styles_keep_to_the_floor() -> None:
    assert younger_in((WEB / "app" / "styles.css").read_text(), YOUNGER_STYLES) == set()


@pytest.mark.parametrize("name", ["client.ts", "network.ts"])
def test_the_client_keeps_to_the_floor(name: str) -> None:
    assert younger_in((CLIENT / name).read_text(), YOUNGER) <= COMPILED


def test_what_is_younger_is_found() -> None:
    for examples, patterns in ((EXAMPLES, YOUNGER), (STYLES, YOUNGER_STYLES)):
        assert {name: name in younger_in(examples[name], patterns) for name in patterns} == (
            dict.fromkeys(patterns, True)
        )
