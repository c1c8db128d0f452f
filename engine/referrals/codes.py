"""Referral codes: a user's id in eight letters and digits that can be read aloud.

A code is a permutation of the id in Crockford's base 32 with a check digit, so that it needs no
table and hardly any slip of a finger names somebody else. It is no secret.
"""

from engine.core.plain import plain_code

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 7
_SPACE = len(_ALPHABET) ** _DIGITS
# Odd, so that multiplying by it permutes the space; neighbours get codes unlike each other.
_FACTOR = 20_811_234_567
_INVERSE = pow(_FACTOR, -1, _SPACE)
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def referral_code(user_id: int) -> str:
    """The code of a user, for example "7K2M9QXA". Ids are below 32^7, some 34 thousand million."""
    if not 0 < user_id < _SPACE:
        raise ValueError(f"no referral code for user {user_id}")
    number = user_id * _FACTOR % _SPACE
    digits = [_ALPHABET[number >> shift & 31] for shift in range(5 * (_DIGITS - 1), -1, -5)]
    return "".join(digits) + _check_digit(number)


def referrer_of(code: str) -> int | None:
    """The user that a code names, however it was typed, or None if it is not a code."""
    typed = plain_code(code).upper().translate(_READ_AS)
    if len(typed) != _DIGITS + 1 or any(letter not in _ALPHABET for letter in typed):
        return None
    number = 0
    for letter in typed[:-1]:
        number = number << 5 | _ALPHABET.index(letter)
    if typed[-1] != _check_digit(number):
        return None
    return number * _INVERSE % _SPACE or None


def _check_digit(number: int) -> str:
    # A prime to which 32 is not congruent 1: two digits that changed places are noticed too.
    return _ALPHABET[number % 29]
