"""What people type and paste, in the form in which it is compared.

Keyboards write the digits of their own script, pages wrap what is copied from them in marks that
nobody sees, and mail programs put spaces and dashes between the digits of a code.
"""

from unicodedata import category, decimal, normalize

# Nobody types more. What is longer is nothing, so that the work has a bound.
TYPED_MAX = 512
_MINUS = "\N{MINUS SIGN}"


def plain(typed: str) -> str:
    """An identity as it is meant: NFKC, decimal digits of every script as ASCII, no format
    characters (Unicode's Cf: marks of direction, zero-width spaces), no space around it.

    Control characters stay, for whoever asked to refuse. Empty if it is too long.
    """
    if len(typed) > TYPED_MAX:
        return ""
    normal = normalize("NFKC", "".join(letter for letter in typed if category(letter) != "Cf"))
    return "".join(str(decimal(letter, letter)) for letter in normal).strip()


def plain_code(typed: str) -> str:
    """A code as it is meant: plain, in small letters, without spaces and dashes within it."""
    return "".join(letter for letter in plain(typed) if not _parts(letter)).lower()


def is_digits(code: str, length: int) -> bool:
    """Whether a plain code is so many digits."""
    return len(code) == length and code.isascii() and code.isdecimal()


def _parts(letter: str) -> bool:
    return letter.isspace() or letter == _MINUS or category(letter) == "Pd"
