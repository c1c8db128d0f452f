"""What every action is, whoever asks for it."""

from msgspec import Struct


class Action(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What an intent asks for. The tag is the intent's kind, `noun.verb`."""
