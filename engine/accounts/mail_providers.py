"""Large providers of mailboxes: which of their addresses reach the same one (decision 0044).

What a provider promises about addresses, as its own help pages say it; nobody is asked at run time.
"""

from collections.abc import Mapping

from msgspec import Struct


class Provider(Struct, frozen=True):
    """`main` stands for all `domains`, which share their mailboxes. In the local part `ignored`
    letters do not count, and neither does what follows the first of `separators`; those of `dashes`
    are as good as a dash.

    `names_below`: whatever@NAME.DOMAIN reaches NAME@DOMAIN. `is_large`: millions have mailboxes
    there, so that the number of newcomers says nothing.
    """

    main: str
    domains: tuple[str, ...] = ()
    separators: str = "+"
    ignored: str = ""
    dashes: str = ""
    names_below: bool = False
    is_large: bool = True


_YAHOO = (
    *("com", "ca", "de", "es", "fr", "in", "it", "ro"),
    *(f"co.{country}" for country in ("id", "in", "jp", "kr", "nz", "th", "uk", "za")),
    *(f"com.{country}" for country in ("ar", "au", "br", "hk", "mx", "my", "ph", "sg", "tr", "tw")),
    "com.vn",
)
_YANDEX = (
    *("az", "by", "com", "ee", "eu", "fi", "fr", "kg", "kz", "lt", "lv", "md", "pl", "ru", "tj"),
    *("tm", "ua", "uz", "co.il", "com.am", "com.ge", "com.tr", "com.ua"),
)
# A name is somebody's in one of them: NAME@fastmail.com need not be NAME@fastmail.fm.
_FASTMAIL_LARGE = ("fastmail.com", "fastmail.fm")
_FASTMAIL = """
fastmail.net fastmail.org fastmail.us fastmail.uk fastmail.co.uk fastmail.com.au fastmail.cn
fastmail.de fastmail.es fastmail.fr fastmail.im fastmail.in fastmail.jp fastmail.mx fastmail.nl
fastmail.se fastmail.to fastmail.tw fastmailbox.net fastmessaging.com 123mail.org 150mail.com
150ml.com 16mail.com 2-mail.com 4email.net 50mail.com airpost.net allmail.net bestmail.us
cluemail.com elitemail.org emailcorner.net emailengine.net emailengine.org emailgroups.net
emailplus.org emailuser.net eml.cc f-m.fm fast-email.com fast-mail.org fastem.com fastemail.us
fastemailer.com fastest.cc fastimap.com fea.st fmail.co.uk fmailbox.com fmgirl.com fmguy.com
ftml.net h-mail.us hailmail.net imap-mail.com imap.cc imapmail.org inoutbox.com internet-e-mail.com
internet-mail.org internetemails.net internetmailing.net jetemail.net justemail.net letterboxes.org
mail-central.com mail-page.com mailandftp.com mailas.com mailbolt.com mailc.net mailcan.com
mailforce.net mailftp.com mailhaven.com mailingaddress.org mailite.com mailmight.com mailnew.com
mailsent.net mailservice.ms mailup.net mailworks.org ml1.net mm.st myfastmail.com mymacmail.com
nospammail.net ownmail.net petml.com postinbox.com postpro.net proinbox.com promessage.com
realemail.net reallyfast.biz reallyfast.info rushpost.com sent.as sent.at sent.com speedpost.net
speedymail.org ssl-mail.com swift-mail.com the-fastest.net the-quickest.com theinternetemail.com
veryfast.biz veryspeedy.net warpmail.net xsmail.com yepmail.net your-mail.com
"""
_PROVIDERS = (
    Provider("gmail.com", ("googlemail.com",), ignored="."),
    Provider("icloud.com", ("me.com", "mac.com")),
    Provider("proton.me", ("protonmail.com", "protonmail.ch", "pm.me"), ignored=".-_"),
    # No name there differs from another by a dot for a dash alone.
    Provider("yandex.ru", ("ya.ru", "narod.ru", *(f"yandex.{end}" for end in _YANDEX)), dashes="."),
    *(Provider(domain, names_below=True) for domain in _FASTMAIL_LARGE),
    *(Provider(domain, names_below=True, is_large=False) for domain in _FASTMAIL.split()),
    Provider("runbox.com", ("runbox.no", "runbox.eu"), is_large=False),
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
WIDELY_KNOWN = frozenset(
    (*(domain for domain, provider in _BY_DOMAIN.items() if provider.is_large), *_OTHERS.split())
)


def provider_of(domain: str) -> tuple[Provider, str]:
    """How a domain's addresses are read, and whose name the domain itself says, if it does;
    `domain` in its ASCII form."""
    found = _BY_DOMAIN.get(domain)
    if found is not None:
        return found, ""
    parent = domain
    while "." in parent:
        label, _, parent = parent.partition(".")
        found = _BY_DOMAIN.get(parent)
        if found is not None and found.names_below:
            return found, label
    return _ELSEWHERE, ""
