"""A day's figures, and the ratios that the product is judged by (blueprint, "Success measures")."""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

MAU_DAYS = 30
RETENTION_DAYS = (1, 7, 30)


class DayFacts(Struct, frozen=True):
    """Counts and sums of one UTC day by (name, label); amounts in micro-TWTC and micro-USD."""

    day: date
    values: Mapping[tuple[str, str], int]

    def value(self, name: str, label: str) -> int:
        """One figure; what never happened is 0."""
        return self.values.get((name, label), 0)

    def total(self, name: str) -> int:
        """A figure over all its labels."""
        return sum(value for (known, _), value in self.values.items() if known == name)

    def by_label(self, name: str) -> dict[str, int]:
        """A figure by label."""
        return {label: value for (known, label), value in self.values.items() if known == name}

    def ratios(self) -> dict[str, float | None]:
        """What the success measures ask for; None where there is nothing to divide by."""
        active = self.value("users", "active")
        return {
            "dau_mau": _ratio(active, self.value("users", "active_month")),
            "sessions_per_user": _ratio(self.value("sessions", "mined"), active),
            "ads_per_user": _ratio(self.total("ads_completed"), active),
            "ad_completion": _ratio(self.total("ads_completed"), self.total("ads_served")),
            "boost_completion": _ratio(self.value("boosts", "paid"), self.value("boosts", "begun")),
            "task_completion": _ratio(self.total("tasks_claimed"), self.total("tasks_begun")),
            "usd_per_user": _ratio(self.total("revenue_micro_usd") / 1_000_000, active),
        } | {
            f"retention_{days}": _ratio(
                self.value(f"retention_{days}", "active"),
                self.value(f"retention_{days}", "registered"),
            )
            for days in RETENTION_DAYS
        }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
