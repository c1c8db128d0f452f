"""Videos as members find them, and what their providers' findings make of them."""

from enum import StrEnum

from msgspec import Struct

from engine.core.text import Country


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

    allowed: list[Country] | None = None
    blocked: list[Country] | None = None

    def admits(self, region: str) -> bool:
        """Whether a viewer in this country may see the video."""
        if self.allowed is not None and region not in self.allowed:
            return False
        return self.blocked is None or region not in self.blocked


class Unfit(StrEnum):
    """Why its provider does not let a video be shown. Only such a one comes back by itself."""

    VANISHED = "VANISHED"
    NOT_PUBLIC = "NOT_PUBLIC"
    NOT_EMBEDDABLE = "NOT_EMBEDDABLE"
    AGE_RESTRICTED = "AGE_RESTRICTED"
    BLOCKED_EVERYWHERE = "BLOCKED_EVERYWHERE"
    LIVE = "LIVE"
    TOO_LONG = "TOO_LONG"


UNVERIFIED = "UNVERIFIED"  # nobody has seen yet that the id is the video it is said to be


class Facts(Struct, frozen=True):
    """What its provider says of a video that can be shown."""

    title: str
    duration_seconds: int
    regions: Regions


Finding = Facts | Unfit


class StoredVideo(Struct, frozen=True):
    """A video as our row has it. `inactive_because` is None while it is active."""

    id: str
    provider_id: str
    title: str
    inactive_because: str | None


class Verdict(Struct, frozen=True):
    """What the row becomes; `facts` are None where the provider told none."""

    video: StoredVideo
    inactive_because: str | None
    facts: Facts | None


def judge(video: StoredVideo, finding: Finding) -> Verdict:
    """What a finding makes of a video (decision 0022).

    An operator's reason stands whatever the provider says. An unverified video becomes active
    only under the title it was written down with: its id might be another video's.
    """
    facts = finding if isinstance(finding, Facts) else None
    because = video.inactive_because
    if because is None or because in Unfit.__members__:
        because = None if isinstance(finding, Facts) else finding.value
    elif because == UNVERIFIED and facts and _words(facts.title) == _words(video.title):
        because = None
    return Verdict(video, because, facts)


def _words(title: str) -> list[str]:
    """Letters and digits of a title: channels change the rest of it."""
    return "".join(c if c.isalnum() else " " for c in title.casefold()).split()
