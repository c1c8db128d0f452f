"""What the partner's page says, in English and Arabic."""

_TEXTS = {
    "en": {
        "lang": "en",
        "direction": "ltr",
        "title": "Dunes & Sea Holidays",
        "label": "Advertisement",
        "headline": "Where the desert meets the sea",
        "lead": "Seven nights under open skies, and a warm tide every morning.",
        "progress": "Seconds of this ad watched",
        "stay": "Stay on this page until the time is up.",
        "sending": "Confirming your view…",
        "done": "Thank you. Your view is confirmed; you may go back to the app.",
        "failed": "Your view could not be confirmed. Go back to the app and try another ad.",
    },
    "ar": {
        "lang": "ar",
        "direction": "rtl",
        "title": "عطلات الكثبان والبحر",
        "label": "إعلان",
        "headline": "حيث تلتقي الصحراء بالبحر",
        "lead": "سبع ليالٍ تحت سماء مفتوحة، وموج دافئ كل صباح.",
        "progress": "الثواني التي شوهدت من هذا الإعلان",
        "stay": "ابقَ في هذه الصفحة حتى ينتهي الوقت.",
        "sending": "جارٍ تأكيد مشاهدتك…",
        "done": "شكرًا لك. تم تأكيد مشاهدتك، ويمكنك العودة إلى التطبيق.",
        "failed": "تعذّر تأكيد مشاهدتك. عد إلى التطبيق وجرّب إعلانًا آخر.",
    },
}


def texts_of(language: str) -> dict[str, str]:
    """Every text of the page in a language that `choose_language` gave."""
    return _TEXTS[language]


def choose_language(accept_language: str) -> str:
    """The page's language for an Accept-Language header (RFC 9110, section 12.5.4)."""
    weights = {"en": 0.0, "ar": 0.0}
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().partition("-")[0]
        name, _, value = parameter.strip().partition("=")
        if language in weights:
            weight = _weight(value) if name.strip() == "q" else 1.0
            weights[language] = max(weights[language], weight)
    return "ar" if weights["ar"] > weights["en"] else "en"


def _weight(text: str) -> float:
    whole, _, decimals = text.strip().partition(".")
    if whole not in ("0", "1") or not (decimals or "0").isdecimal():
        return 0.0
    return min(float(f"{whole}.{decimals or 0}"), 1.0)
