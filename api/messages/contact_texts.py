"""What is said about a change of address, to both sides, in the languages of the members."""

from datetime import datetime

from api.messages.texts import Message

_TEXTS = {
    ("new", "en"): (
        "Confirm your new TWTC address",
        "{code} is your code. Enter it in the app to use this address for your account. It is good "
        "for ten minutes.\n\nIf you did not ask for it, ignore this message.",
    ),
    ("known", "en"): (
        "Your address was asked for",
        "Somebody wants to use this address for another TWTC account. It is yours, and nothing has "
        "changed. If that was you, sign in with it.",
    ),
    ("old", "en"): (
        "Your TWTC account is to get another address",
        "Your account is to use {address} from {at} UTC on.\n\n"
        "If that was you, {code} makes it so at once: enter it in the app within ten minutes.\n\n"
        "{undo}",
    ),
    ("other", "en"): (
        "Your TWTC account is to get another address",
        "Your account is to use {address} from {at} UTC on.\n\n{undo}",
    ),
    ("support", "en"): (
        "Your TWTC account is to get another address",
        "Our support was asked to let your account use {address} from {at} UTC on.\n\n{undo}",
    ),
    ("undo", "en"): (
        "",
        "If it was not you: open the app, choose “Undo a change of address” where you sign in, and "
        "enter\n\n{token}\n\nThis is good before the change, and for {days} days after it.",
    ),
    ("granted", "en"): (
        "Your TWTC account is to use this address",
        "From {at} UTC on you sign in with this address. If you have forgotten the password, ask "
        "for a new one then.\n\nIf you did not ask for it, ignore this message.",
    ),
    ("new", "ar"): (
        "أكّد عنوانك الجديد في TWTC",
        "{code} هو رمزك. أدخله في التطبيق لاستخدام هذا العنوان في حسابك. الرمز صالح لعشر دقائق."
        "\n\nإذا لم تطلب ذلك فتجاهل هذه الرسالة.",
    ),
    ("known", "ar"): (
        "هناك من طلب عنوانك",
        "يريد أحدهم استخدام هذا العنوان لحساب TWTC آخر. العنوان لك ولم يتغير شيء. إذا كنت أنت من "
        "طلب ذلك فسجّل الدخول به.",
    ),
    ("old", "ar"): (
        "سيصبح لحسابك في TWTC عنوان آخر",
        "سيستخدم حسابك {address} ابتداءً من {at} بالتوقيت العالمي.\n\n"
        "إذا كنت أنت من طلب ذلك فالرمز {code} يجعله نافذًا فورًا: أدخله في التطبيق خلال عشر دقائق."
        "\n\n{undo}",
    ),
    ("other", "ar"): (
        "سيصبح لحسابك في TWTC عنوان آخر",
        "سيستخدم حسابك {address} ابتداءً من {at} بالتوقيت العالمي.\n\n{undo}",
    ),
    ("support", "ar"): (
        "سيصبح لحسابك في TWTC عنوان آخر",
        "طُلب من فريق الدعم أن يستخدم حسابك {address} ابتداءً من {at} بالتوقيت العالمي.\n\n{undo}",
    ),
    ("undo", "ar"): (
        "",
        "إذا لم تكن أنت: افتح التطبيق واختر «التراجع عن تغيير العنوان» في صفحة تسجيل الدخول وأدخل"
        "\n\n{token}\n\nهذا صالح قبل التغيير ولمدة {days} أيام بعده.",
    ),
    ("granted", "ar"): (
        "سيستخدم حسابك في TWTC هذا العنوان",
        "ابتداءً من {at} بالتوقيت العالمي تسجّل الدخول بهذا العنوان. إذا نسيت كلمة المرور فاطلب كلمة "
        "جديدة عندئذ.\n\nإذا لم تطلب ذلك فتجاهل هذه الرسالة.",
    ),
}


def new_address_message(code: str, language: str) -> Message:
    """The code that the new address confirms with."""
    return _message("new", language, code=code)


def known_address_message(language: str) -> Message:
    """For whoever has the address that another account asked for."""
    return _message("known", language)


def old_address_message(
    name: str, address: str, at: datetime, token: str, days: int, code: str | None, language: str
) -> Message:
    """For a former address: what is to come, and the way back. `old` has the code that hastens it,
    `other` none, and of `support` it was asked."""
    undo = _message("undo", language, token=token, days=days).text
    facts = {"address": address, "at": f"{at:%Y-%m-%d %H:%M}", "undo": undo}
    return _message(name, language, **facts, code=code)


def granted_address_message(at: datetime, language: str) -> Message:
    """For the new address, when support changes it."""
    return _message("granted", language, at=f"{at:%Y-%m-%d %H:%M}")


def _message(name: str, language: str, **facts: object) -> Message:
    subject, text = _TEXTS.get((name, language), _TEXTS[(name, "en")])
    return Message(subject, text.format(**facts))
