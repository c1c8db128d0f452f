"""What phones are told, in words, by language. Apps word their inbox themselves."""

from collections.abc import Mapping
from typing import Any

from engine.core.money import format_amount

WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "mining.completed": {
        "en": ("Mining complete!", "+{amount} TWTC"),
        "ar": ("اكتمل التعدين!", "+{amount} TWTC"),
    },
    "mining.failed": {
        "en": ("Mining did not start", "The ad was not proved in time. Start again."),
        "ar": ("لم يبدأ التعدين", "لم يُثبت الإعلان في الوقت المحدد. ابدأ من جديد."),
    },
    "window.open": {
        "en": ("Your window is open", "Start mining now."),
        "ar": ("نافذتك مفتوحة", "ابدأ التعدين الآن."),
    },
    "boost.paid": {
        "en": ("Boost!", "+{amount} TWTC"),
        "ar": ("تعزيز!", "+{amount} TWTC"),
    },
    "task.paid": {
        "en": ("Task done", "+{amount} TWTC"),
        "ar": ("أُنجزت المهمة", "+{amount} TWTC"),
    },
    "task.refused": {
        "en": ("Task not accepted", "Look at it and hand it in again today."),
        "ar": ("لم تُقبل المهمة", "راجعها وأرسلها مرة أخرى اليوم."),
    },
    "day.bonus": {
        "en": ("Daily Champion!", "All tasks done: +{amount} TWTC"),
        "ar": ("بطل اليوم!", "أُنجزت كل المهام: +{amount} TWTC"),
    },
    "wallet.adjusted": {
        "en": ("Your balance was corrected", "By {amount} TWTC. Look into your wallet."),
        "ar": ("تم تصحيح رصيدك", "بمقدار {amount} TWTC. راجع محفظتك."),
    },
    "account.guessed": {
        "en": ("Somebody guesses at your account", "Was it not you? Choose a new password."),
        "ar": ("يحاول أحدهم تخمين بيانات حسابك", "إن لم تكن أنت، فاختر كلمة مرور جديدة."),
    },
    "group.moved": {
        "en": ("Your hours have changed", "You are in another group now. Look up its windows."),
        "ar": ("تغيّرت ساعاتك", "أنت الآن في مجموعة أخرى. اطّلع على نوافذها."),
    },
}


def word(kind: str, language: str, params: Mapping[str, Any]) -> tuple[str, str] | None:
    """Title and body, or None for a kind of which phones are not told."""
    if kind not in WORDS:
        return None
    title, body = WORDS[kind][language]
    amount = format_amount(int(params.get("amount_micro", 0))).rstrip("0").rstrip(".")
    return title, body.format(amount=amount)
