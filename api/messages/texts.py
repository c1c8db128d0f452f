"""What the messages say, in the languages of the members."""

from msgspec import Struct

from models.accounts.codes import CodePurpose, cannot_be_guessed

_TEXTS = {
    (CodePurpose.VERIFY, "en"): (
        "Your TWTC code",
        "{code} is your code. Enter it in the app to finish your sign-up. It is good for {good}."
        "{more}\n\nIf you did not sign up, ignore this message.",
    ),
    (CodePurpose.RESET, "en"): (
        "Your new TWTC password",
        "{code} is your code. Enter it in the app to choose a new password. It is good for {good}."
        "{more}\n\nIf you did not ask for it, ignore this message: your password stays as it is.",
    ),
    (CodePurpose.SIGN_IN, "en"): (
        "Your TWTC sign-in code",
        "{code} is your code. Enter it in the app to sign in. It is good for {good}.{more}\n\n"
        "If you are not signing in, somebody knows your password: change it.",
    ),
    (CodePurpose.VERIFY, "ar"): (
        "رمز TWTC الخاص بك",
        "{code} هو رمزك. أدخله في التطبيق لإكمال التسجيل. الرمز صالح {good}.{more}\n\n"
        "إذا لم تقم بالتسجيل فتجاهل هذه الرسالة.",
    ),
    (CodePurpose.RESET, "ar"): (
        "كلمة مرور TWTC الجديدة",
        "{code} هو رمزك. أدخله في التطبيق لاختيار كلمة مرور جديدة. الرمز صالح {good}.{more}\n\n"
        "إذا لم تطلب ذلك فتجاهل هذه الرسالة: ستبقى كلمة مرورك كما هي.",
    ),
    (CodePurpose.SIGN_IN, "ar"): (
        "رمز تسجيل الدخول إلى TWTC",
        "{code} هو رمزك. أدخله في التطبيق لتسجيل الدخول. الرمز صالح {good}.{more}\n\n"
        "إذا لم تكن أنت من يسجل الدخول فهناك من يعرف كلمة مرورك: غيّرها.",
    ),
}


# How long a code is good; and of a long one, why it is.
_GOOD = {
    "en": (
        "ten minutes",
        "a day",
        " It is longer than others, so that nobody can guess it: many codes were asked for or "
        "guessed at today. Keep it: there may be no other until tomorrow.",
    ),
    "ar": (
        "لعشر دقائق",
        "ليوم واحد",
        " وهو أطول من غيره كي لا يستطيع أحد تخمينه، فقد طُلبت اليوم رموز كثيرة أو جرت محاولات "
        "لتخمينها. احتفظ به، فقد لا يُرسل غيره قبل الغد.",
    ),
}
_KNOWN = {
    "en": (
        "You already have a TWTC account",
        "Somebody, probably you, wants to sign up with this address, and it has an account "
        "already. Sign in in the app; if you do not remember your password, choose a new one "
        "there.\n\nIf it was not you, ignore this message: nothing has changed.",
    ),
    "ar": (
        "لديك حساب TWTC بالفعل",
        "حاول أحد، ولعله أنت، التسجيل بهذا العنوان، وله حساب بالفعل. سجّل الدخول في التطبيق، وإن "
        "كنت لا تتذكر كلمة مرورك فاختر كلمة جديدة هناك.\n\n"
        "إن لم تكن أنت فتجاهل هذه الرسالة: لم يتغير شيء.",
    ),
}


class Message(Struct, frozen=True):
    """A subject, which a text message leaves out, and a text."""

    subject: str
    text: str


def code_message(purpose: CodePurpose, code: str, language: str) -> Message:
    """The message that brings a code."""
    if (purpose, language) not in _TEXTS:
        language = "en"
    subject, text = _TEXTS[(purpose, language)]
    minutes, day, why = _GOOD[language]
    if not cannot_be_guessed(code):
        return Message(subject, text.format(code=code, good=minutes, more=""))
    grouped = " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    return Message(subject, text.format(code=grouped, good=day, more=why))


def known_message(language: str) -> Message:
    """The message to somebody who registers, and has an account."""
    return Message(*_KNOWN.get(language, _KNOWN["en"]))
