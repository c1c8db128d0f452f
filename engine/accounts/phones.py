"""Phone numbers in the form in which they are unique: E.164, by the plans of all countries."""

import re

import phonenumbers

from engine.core.plain import plain

_APART = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")
_DIGITS = re.compile(r"[0-9]{7,18}")


def phone_of(typed: str) -> str | None:
    """A number with + or 00 and its country's code, in E.164 form; None if it cannot be one.

    A number without its country is anybody's guess, and none of ours: None.
    """
    number = _APART.sub("", plain(typed))
    # No number within a country begins with two zeros: it is how most of them call abroad.
    digits = number[1:] if number.startswith("+") else number[2:] if number[:2] == "00" else ""
    if not _DIGITS.fullmatch(digits):
        return None
    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def names_country(typed: str) -> bool:
    """Whether a number as it was typed says its country."""
    return plain(typed).startswith(("+", "00"))
