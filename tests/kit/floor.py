"""What the oldest browsers do not have for which the app and the TypeScript client are written."""

import re

# Safari 15.0, Chrome 80, Firefox 78: ES2020. Each is a pattern of what is younger.
YOUNGER = {
    "AbortSignal.timeout and .any": r"\bAbortSignal\s*\.\s*(timeout|any)\b",
    "AbortSignal.throwIfAborted": r"\bthrowIfAborted\b",
    "crypto.randomUUID": r"\brandomUUID\b",
    "structuredClone": r"\bstructuredClone\b",
    "at": r"\.at\(",
    "replaceAll": r"\.replaceAll\(",
    "Object.hasOwn": r"\bObject\.hasOwn\b",
    "findLast": r"\.findLast(Index)?\(",
    "copying array methods": r"\.(toSorted|toReversed|toSpliced|with)\(",
    "groupBy": r"\b(Object|Map)\.groupBy\b",
    "Promise.any": r"\bPromise\.(any|withResolvers|try)\b",
    "Array.fromAsync": r"\bArray\.fromAsync\b",
    "WeakRef": r"\b(WeakRef|FinalizationRegistry)\b",
    "logical assignment": r"(\?\?|\|\||&&)=",
    "private members": r"(?<![\w\"'`/&(\s=#])\.#\w|\bthis\.#",
    "static blocks": r"\bstatic\s*\{",
    "top-level await": r"^await\b",
    "lookbehind": r"\(\?<[=!]",
    "error causes": r"\bError\([^)]*\{\s*cause\b",
    "TextDecoderStream": r"\bText(De|En)coderStream\b",
    "iterated streams": r"\bfor await\b[^)]*\bbody\b",
    "replaceChildren": r"\breplaceChildren\b",
    "requestSubmit": r"\brequestSubmit\b",
    "import assertions": r"\bimport\b[^;]*\b(assert|with)\s*\{",
}
YOUNGER_STYLES = {
    ":has(), :is() and :where()": r":(has|is|where)\(",
    "inset": r"(?<![\w-])inset(-\w+)*\s*:",
    "logical shorthands": r"(margin|padding|border)-(inline|block)\s*:",
    "nesting": r"&",
    "newer at-rules": r"@(layer|container|scope|property|starting-style)\b",
    "newer colours": r"\b(color-mix|oklch|oklab|light-dark|lab|lch)\(",
    "dvh alone": r"^(?!.*\dvh;).*\ddvh\b",
    "newer units": r"\d(svh|lvh|dvw|cqw|cqi|lh)\b",
    "individual transforms": r"(?<![\w-])(translate|rotate|scale)\s*:",
}

# Takes it from a browser, before anything else runs.
WITHOUT = """
for (const [owner, ...names] of [
  [AbortSignal, "any", "timeout"], [AbortSignal.prototype, "throwIfAborted", "reason"],
  [Crypto.prototype, "randomUUID"], [ReadableStream.prototype, Symbol.asyncIterator],
  [window, "structuredClone", "TextDecoderStream", "WeakRef"],
  [HTMLDialogElement.prototype, "showModal", "close"], [Element.prototype, "replaceChildren"],
  [Array.prototype, "at", "findLast", "toSorted"], [String.prototype, "at", "replaceAll"],
  [Object, "hasOwn", "groupBy"], [Promise, "any", "withResolvers"], [Intl, "DisplayNames"],
]) for (const name of names) delete owner[name];
"""
# The same in Node, but for the language's own, of which Node's fetch is made.
WITHOUT_IN_NODE = """
for (const [owner, ...names] of [
  [AbortSignal, "any", "timeout"], [AbortSignal.prototype, "throwIfAborted"],
  [Crypto.prototype, "randomUUID"],
]) for (const name of names) delete owner[name];
"""

# TypeScript writes these in an older way.
COMPILED = {"logical assignment", "private members", "static blocks"}
_COMMENTS = re.compile(r"/\*[\s\S]*?\*/|^\s*//.*$|\s//\s.*$", re.MULTILINE)


def younger_in(source: str, patterns: dict[str, str]) -> set[str]:
    """What a source uses that is younger than the floor. Comments do not count."""
    code = _COMMENTS.sub("", source)
    return {name for name, at in patterns.items() if re.search(at, code, re.MULTILINE)}
