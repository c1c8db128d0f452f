"""The catalogue's own words: categories, countries, and where a video may be shown."""

from enum import StrEnum

from msgspec import Struct

# Blueprint, "Video boost": how many boosts a UTC day can pay.
BOOSTS_PER_DAY = 3


class Category(StrEnum):
    """What a video or an article is about."""

    NATURE = "NATURE"
    CULTURE = "CULTURE"
    ADVENTURE = "ADVENTURE"
    HISTORY = "HISTORY"
    CITY = "CITY"


_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR "
    "BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY "
    "KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY "
    "QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM "
    "ZW"
)
# ISO 3166-1, two letters.
COUNTRIES = frozenset(_COUNTRIES.split())


class Regions(Struct, frozen=True, omit_defaults=True):
    """Where a video may be shown, as its provider says: only there, or not there.

    An empty `allowed` is nowhere; None is no restriction.
    """

    allowed: list[str] | None = None
    blocked: list[str] | None = None

    def admits(self, region: str) -> bool:
        """Whether a viewer in this country may see the video."""
        if self.allowed is not None and region not in self.allowed:
            return False
        return self.blocked is None or region not in self.blocked
