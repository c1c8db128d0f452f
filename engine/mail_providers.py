"""Large providers of mailboxes: which of their addresses reach the same one (decision 0044).

What a provider promises about addresses, as its own help pages say it; nobody is asked at run time.
"""

from collections.abc import Mapping

from msgspec import Struct


class Provider(Struct, frozen=True):
    """`main` stands for all `domains`, which share their mailboxes. In the local part `ignored`
    letters do not count, and neither does what follows the first of `separators`."""

    main: str
    domains: tuple[str, ...] = ()
    separators: str = "+"
    ignored: str = ""


_YAHOO = (
    *("com", "ca", "de", "es", "fr", "in", "it", "ro"),
    *(f"co.{country}" for country in ("id", "in", "jp", "kr", "nz", "th", "uk", "za")),
    *(f"com.{country}" for country in ("ar", "au", "br", "hk", "mx", "my", "ph", "sg", "tr", "tw")),
    "com.vn",
)
_PROVIDERS = (
    Provider("gmail.com", ("googlemail.com",), ignored="."),
    Provider("icloud.com", ("me.com", "mac.com")),
    Provider("proton.me", ("protonmail.com", "protonmail.ch", "pm.me"), ignored=".-_"),
    Provider(
        "yandex.ru",
        ("ya.ru", "yandex.by", "yandex.com", "yandex.com.tr", "yandex.kz", "yandex.uz"),
        ignored=".-",
    ),
    Provider("fastmail.com", ("fastmail.fm",)),
    # Their disposable addresses are NAME-ANYTHING; no name there has a dash.
    *(
        Provider(domain, separators="+-")
        for domain in (
            *(f"yahoo.{end}" for end in _YAHOO),
            "ymail.com",
            "rocketmail.com",
        )
    ),
)
# Anywhere else: RFC 5233, which nearly every server follows, and whose sign hardly any name has.
_ELSEWHERE = Provider("")
_BY_DOMAIN: Mapping[str, Provider] = {
    domain: provider for provider in _PROVIDERS for domain in (provider.main, *provider.domains)
}

# Where millions have mailboxes: that many come from one of these means nothing. The first three
# are reserved (RFC 2606): nobody has a mailbox there at all, but everybody's examples do.
_OTHERS = """
example.com example.net example.org outlook.com outlook.de outlook.es outlook.fr outlook.it
outlook.jp outlook.sa outlook.com.br hotmail.com hotmail.ca hotmail.co.jp hotmail.co.uk hotmail.de
hotmail.es hotmail.fr hotmail.it hotmail.com.br live.com live.ca live.cn live.co.uk live.com.mx
live.de live.fr live.it live.nl live.se msn.com windowslive.com aol.com aim.com gmx.com gmx.de
gmx.net gmx.at gmx.ch web.de t-online.de freenet.de mail.com tuta.com tutanota.com hey.com zoho.com
zohomail.com zohomail.eu mail.ru bk.ru list.ru inbox.ru internet.ru rambler.ru ukr.net i.ua abv.bg
qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com sohu.com aliyun.com 139.com
naver.com daum.net hanmail.net kakao.com nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp
i.softbank.jp nifty.com biglobe.ne.jp rediffmail.com orange.fr wanadoo.fr free.fr sfr.fr laposte.net
bbox.fr neuf.fr libero.it virgilio.it alice.it tin.it tiscali.it telefonica.net terra.es sapo.pt
telenet.be skynet.be ziggo.nl kpnmail.nl planet.nl home.nl bluewin.ch telia.com online.no wp.pl
o2.pl onet.pl interia.pl seznam.cz centrum.cz freemail.hu citromail.hu comcast.net verizon.net
att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net shaw.ca rogers.com
sympatico.ca telus.net videotron.ca btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net
blueyonder.co.uk bigpond.com optusnet.com.au xtra.co.nz uol.com.br bol.com.br terra.com.br ig.com.br
prodigy.net.mx
"""
WIDELY_KNOWN = frozenset(_BY_DOMAIN) | frozenset(_OTHERS.split())


def provider_of(domain: str) -> Provider:
    """How a domain's addresses are read; `domain` in its ASCII form."""
    return _BY_DOMAIN.get(domain, _ELSEWHERE)
