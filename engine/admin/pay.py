"""What is paid, and how far one change of it may go: every one takes two people (decision 0046).

Which people are two, and whose word counts since when: `engine/admin/four_eyes.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from engine.admin.permissions import Permission
from engine.core.money import MICRO_PER_TWTC

BOOST_PERCENT_MAX = 300
TASK_REWARD_MICRO_MAX = 100 * MICRO_PER_TWTC
# Of one version of the configuration, against the one before.
STEP_MAX = 2
STEPPED = ("base_rate_micro_per_hour", "bonus_micro")

# By name: [before, after]. What is new was None before.
Changes = Mapping[str, list[Any]]


class PayKind(StrEnum):
    """What decides about pay: by its name in the trail."""

    CONFIGURATION = "configuration"
    TASK_TYPE = "task_type"
    VIDEO = "video"


# Whose right it is to propose each. Whoever approves needs PAY_DECIDE.
PROPOSED_WITH = {
    PayKind.CONFIGURATION: Permission.CONFIGURATION_CHANGE,
    PayKind.TASK_TYPE: Permission.REWARDS_CHANGE,
    PayKind.VIDEO: Permission.CONTENT_EDIT,
}


# What of a row decides what is paid, and for what; of the configuration everything does.
_PAYS = {
    PayKind.TASK_TYPE: {"id", "category", "reward_micro", "validation_rule"},
    PayKind.VIDEO: {"provider_id", "boost_percent"},
}


class PayError(ValueError):
    """A change that may not be, by however many people; the message says what is wrong."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What is another value in the second, by name: [before, after]."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if before.get(name) != value
    }


def is_pay(kind: PayKind, changes: Changes) -> bool:
    """Whether a change bears on what is paid. Texts do not, nor does it to switch something off."""
    is_shown_anew = bool(changes.get("is_active", (None, False))[1])
    return is_shown_anew or bool(changes.keys() & _PAYS.get(kind, changes.keys()))


def check_pay(kind: PayKind, changes: Changes) -> None:
    """Raise PayError for what is out of bounds. What stays as it is may be."""
    if kind is PayKind.VIDEO:
        _at_most("boost_percent", changes, BOOST_PERCENT_MAX)
        if "duration_seconds" in changes:
            raise PayError("duration_seconds is told by the video's provider, and by nobody else")
    if kind is PayKind.TASK_TYPE:
        _at_most("reward_micro", changes, TASK_REWARD_MICRO_MAX)
    if kind is PayKind.CONFIGURATION:
        for name in STEPPED:
            before, after = changes.get(name, (None, 0))
            if before is not None and after > STEP_MAX * before:
                raise PayError(f"{name} may be {STEP_MAX} times what it was, {before}, at most")


def _at_most(name: str, changes: Changes, most: int) -> None:
    if changes.get(name, (None, 0))[1] > most:
        raise PayError(f"{name} must be at most {most}")
