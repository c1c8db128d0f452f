"""Callbacks that come as a query string, read strictly before anything is believed."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from api.networks.contract import CallbackRequest, Refusal, Refused, refuse_method, refuse_problem

QUERY_BYTES_MAX = 2048
# A nonce of ours, to the character: where a signature does not mark the ends of its fields.
OUR_NONCE = re.compile(r"[A-Za-z0-9_-]{32}")


def read_callback(
    request: CallbackRequest, forms: Mapping[str, re.Pattern[str]]
) -> dict[str, str] | Refused:
    """The fields of a GET callback, or its refusal. Proves nothing yet."""
    if request.method != "GET":
        return refuse_method("GET")
    fields = read_fields(request.raw_query, forms)
    return refuse_problem(Refusal.MALFORMED) if fields is None else fields


def read_fields(raw_query: bytes, forms: Mapping[str, re.Pattern[str]]) -> dict[str, str] | None:
    """The decoded fields, or None unless each name is there once, with a value of its form.

    Split before decoding, so that an encoded separator stays in its value, where no form lets it
    pass. A plus, which some decode as a space, is in no form either.
    """
    if len(raw_query) > QUERY_BYTES_MAX or not raw_query.isascii():
        return None
    pairs = [part.partition("=") for part in raw_query.decode("ascii").split("&")]
    if sorted(name for name, _, _ in pairs) != sorted(forms):
        return None
    try:
        fields = {name: unquote_to_bytes(value).decode("utf-8") for name, _, value in pairs}
    except UnicodeDecodeError:
        return None
    if not all(forms[name].fullmatch(value) for name, value in fields.items()):
        return None
    return fields
