"""Settings of a process, from the environment. Secrets come from nowhere else."""

import os
from collections.abc import Mapping

from msgspec import Struct

from runtime.pii import Keyring
from runtime.placeholders import find_placeholder
from runtime.proxies import Proxies

_SECRET_BYTES_MIN = 32
# Secrets of ad networks, which the vendor chooses or the operator shares with it.
_NETWORK_SECRETS = {
    "unity": "TWTC_UNITY_SECRET",
    "levelplay": "TWTC_LEVELPLAY_SECRET",
    "levelplay_token": "TWTC_LEVELPLAY_TOKEN",
    "applovin": "TWTC_APPLOVIN_SECRET",
    "meta": "TWTC_META_TOKEN",
}
_NETWORK_SECRET_BYTES_MIN = 16


class ConfigError(ValueError):
    """The environment is incomplete or unsafe; the message says what to set."""


class CaptchaConfig(Struct, frozen=True):
    """Whose CAPTCHA is shown, and the secret that its answers are checked with."""

    provider: str
    site_key: str
    secret: str
    url: str
    hostname: str


class AlertConfig(Struct, frozen=True):
    """Whom alerts are told: a chat's webhook, PagerDuty, an e-mail address."""

    slack_url: str = ""
    pagerduty_url: str = ""
    pagerduty_key: str = ""
    mail_to: str = ""


class TelemetryConfig(Struct, frozen=True):
    """How log lines look, who may read the figures, and where worker and clock serve them."""

    logs: str = "text"
    metrics_token: str = ""
    worker_address: tuple[str, int] | None = None
    clock_address: tuple[str, int] | None = None


class Config(Struct, frozen=True):
    """Where the servers are, and the secrets. URLs may be shared by many processes."""

    database_url: str
    redis_url: str
    broker_url: str
    secret: bytes
    house_secrets: tuple[bytes, ...]
    partner_url: str
    dashboard_url: str = ""  # empty: the queue dashboard is off
    database_read_url: str = ""
    network_secrets: Mapping[str, tuple[bytes, ...]] = {}
    own_videos_url: str = ""
    fcm_credentials: str = ""
    youtube_key: str = ""
    archive_dir: str = ""
    keyring: Keyring = Keyring()
    smtp_url: str = ""
    mail_from: str = ""
    outbox_dir: str = ""
    breaches_url: str = ""
    trusted_proxies: Proxies = Proxies()
    has_limits: bool = True
    places_file: str = ""
    ip_lists: Mapping[str, str] = {}
    captcha: CaptchaConfig | None = None
    alerts: AlertConfig = AlertConfig()
    telemetry: TelemetryConfig = TelemetryConfig()


def load_config(
    environ: Mapping[str, str] | None = None, *, signs: bool = False, stores: bool = True
) -> Config:
    """Read the environment. Raise ConfigError for what is missing or unsafe.

    A process that `signs`, the API, needs the secrets. There are no defaults for them, in no
    profile: `./run` makes its own, once. One that stores nothing, the dashboard, needs no database.
    """
    env = os.environ if environ is None else environ
    needed = ("DATABASE_URL", "REDIS_URL") if stores else ("REDIS_URL",)
    missing = [name for name in needed if not env.get(name)]
    if missing:
        names = " and ".join(missing)
        raise ConfigError(f"set {names}, or start ./run, which has servers of its own")
    left = find_placeholder(env) if env.get("TWTC_PROFILE") == "production" else None
    if left:
        raise ConfigError(f"{left[0]} still holds {left[1]!r}, of an example: set your own")
    house = env.get("TWTC_HOUSE_SECRET", "").split(",") if signs else []
    return Config(
        database_url=postgresql_url(env["DATABASE_URL"]) if stores else "",
        database_read_url=_read_url(env.get("DATABASE_READ_URL", "")),
        redis_url=env["REDIS_URL"],
        broker_url=env.get("BROKER_URL") or env["REDIS_URL"],
        secret=_secret("TWTC_SECRET", env.get("TWTC_SECRET", "")) if signs else b"",
        house_secrets=tuple(_secret("TWTC_HOUSE_SECRET", part) for part in house),
        partner_url=env.get("TWTC_PARTNER_URL", "http://127.0.0.1:8100").rstrip("/"),
        dashboard_url=_dashboard_url(env),
        network_secrets=_network_secrets(env) if signs else {},
        youtube_key=env.get("TWTC_YOUTUBE_KEY", "").strip(),
        archive_dir=env.get("TWTC_ARCHIVE_DIR", "").strip(),
        fcm_credentials=env.get("TWTC_FCM_CREDENTIALS", "").strip(),
        keyring=_keyring(env, is_needed=signs),
        **_messages(env, is_needed=signs),
        breaches_url=_http_url(
            "TWTC_BREACHES_URL", env.get("TWTC_BREACHES_URL", "https://api.pwnedpasswords.com")
        ),
        trusted_proxies=_proxies(env.get("TWTC_TRUSTED_PROXIES", "")),
        has_limits=_is_on("TWTC_LIMITS", env.get("TWTC_LIMITS", "on")),
        places_file=env.get("TWTC_PLACES_FILE", "").strip(),
        ip_lists=_ip_lists(env.get("TWTC_IP_LISTS", "")),
        captcha=_captcha(env) if signs else None,
        own_videos_url=_http_url("TWTC_OWN_VIDEOS_URL", env.get("TWTC_OWN_VIDEOS_URL", "")),
        alerts=_alerts(env),
        telemetry=_telemetry(env),
    )


def _dashboard_url(env: Mapping[str, str]) -> str:
    """Where the queues are projected to; it is read beside the broker's own Redis."""
    broker = env.get("BROKER_URL") or env["REDIS_URL"]
    url = env.get("DASHBOARD_URL", "").strip()
    if not _is_on("TWTC_DASHBOARD", env.get("TWTC_DASHBOARD", "on")) or not url:
        return ""
    if not broker.startswith("redis"):
        raise ConfigError("the dashboard shows Dramatiq's Redis only: set TWTC_DASHBOARD=off")
    if url in (broker, env["REDIS_URL"]):
        raise ConfigError("DASHBOARD_URL must be a Redis database that nothing else uses")
    return url


def _keyring(env: Mapping[str, str], *, is_needed: bool) -> Keyring:
    keys, index = env.get("TWTC_PII_KEYS", ""), env.get("TWTC_INDEX_KEY", "")
    if not keys and not index and not is_needed:
        return Keyring()
    return Keyring(
        tuple(_secret("TWTC_PII_KEYS", part) for part in keys.split(",")),
        _secret("TWTC_INDEX_KEY", index),
    )


def _messages(env: Mapping[str, str], *, is_needed: bool) -> dict[str, str]:
    """How messages leave. Without any way nobody could verify an address."""
    url, outbox = env.get("TWTC_SMTP_URL", ""), env.get("TWTC_OUTBOX_DIR", "").strip()
    if url and not url.startswith(("smtp://", "smtps://")):
        raise ConfigError("TWTC_SMTP_URL must begin with smtp:// or smtps://")
    if url and not env.get("TWTC_MAIL_FROM"):
        raise ConfigError("set TWTC_MAIL_FROM to the address that e-mails come from")
    if is_needed and not url and not outbox:
        raise ConfigError("set TWTC_SMTP_URL, or TWTC_OUTBOX_DIR while developing")
    return {"smtp_url": url, "mail_from": env.get("TWTC_MAIL_FROM", ""), "outbox_dir": outbox}


def _network_secrets(env: Mapping[str, str]) -> dict[str, tuple[bytes, ...]]:
    """Those that are set; several of one network, separated by commas, while rotating."""
    secrets = {
        name: tuple(part.encode() for part in env[variable].split(","))
        for name, variable in _NETWORK_SECRETS.items()
        if env.get(variable)
    }
    for name, parts in secrets.items():
        if min(map(len, parts)) < _NETWORK_SECRET_BYTES_MIN:
            raise ConfigError(
                f"{_NETWORK_SECRETS[name]} must have at least {_NETWORK_SECRET_BYTES_MIN} bytes"
            )
    if ("levelplay" in secrets) != ("levelplay_token" in secrets):
        raise ConfigError("set TWTC_LEVELPLAY_SECRET and TWTC_LEVELPLAY_TOKEN together")
    return secrets


def postgresql_url(url: str, name: str = "DATABASE_URL") -> str:
    """A PostgreSQL URL without a driver's name in its scheme. Raise ConfigError for any other."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ConfigError(f"{name} must begin with postgresql://")
    return f"postgresql://{rest}"


def _read_url(url: str) -> str:
    return postgresql_url(url, "DATABASE_READ_URL") if url else ""


def _proxies(text: str) -> Proxies:
    """Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas."""
    try:
        return Proxies(text)
    except ValueError as error:
        raise ConfigError(f"TWTC_TRUSTED_PROXIES: {error}") from None


def _alerts(env: Mapping[str, str]) -> AlertConfig:
    vendor = "https://events.pagerduty.com/v2/enqueue"
    return AlertConfig(
        slack_url=_http_url("TWTC_SLACK_URL", env.get("TWTC_SLACK_URL", "").strip()),
        pagerduty_url=_http_url("TWTC_PAGERDUTY_URL", env.get("TWTC_PAGERDUTY_URL") or vendor),
        pagerduty_key=env.get("TWTC_PAGERDUTY_KEY", "").strip(),
        mail_to=env.get("TWTC_ALERTS_MAIL_TO", "").strip(),
    )


_METRICS_TOKEN_LENGTH_MIN = 16


def _telemetry(env: Mapping[str, str]) -> TelemetryConfig:
    logs, token = env.get("TWTC_LOGS") or "text", env.get("TWTC_METRICS_TOKEN", "").strip()
    if logs not in ("text", "json"):
        raise ConfigError("TWTC_LOGS must be text or json")
    if token and len(token) < _METRICS_TOKEN_LENGTH_MIN:
        raise ConfigError(
            f"TWTC_METRICS_TOKEN must have at least {_METRICS_TOKEN_LENGTH_MIN} characters"
        )
    addresses = [_address(env, f"TWTC_{name}_METRICS") for name in ("WORKER", "CLOCK")]
    if any(addresses) and not token:
        raise ConfigError("set TWTC_METRICS_TOKEN: nobody may read figures without it")
    return TelemetryConfig(logs, token, *addresses)


def _address(env: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """HOST:PORT, or nothing."""
    host, _, port = env.get(name, "").strip().rpartition(":")
    if not host and not port:
        return None
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"{name} must be HOST:PORT, as 127.0.0.1:9101")
    return host.strip("[]"), int(port)


_IP_KINDS = ("VPN", "DATACENTRE", "TOR", "BANNED")


def _ip_lists(text: str) -> dict[str, str]:
    """`tor=https://…,vpn=/path`: where each list of addresses comes from."""
    lists: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        kind, _, source = part.partition("=")
        if kind.upper() not in _IP_KINDS or not source.startswith(("http://", "https://", "/")):
            kinds = ", ".join(_IP_KINDS).lower()
            raise ConfigError(f"TWTC_IP_LISTS: {part!r} is not KIND=URL or KIND=/FILE; of {kinds}")
        lists[kind.upper()] = source
    return lists


_CAPTCHAS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "local": "",
}


def _captcha(env: Mapping[str, str]) -> CaptchaConfig | None:
    """Whose CAPTCHA is shown. The local one is a sum, which any program solves."""
    provider = env.get("TWTC_CAPTCHA", "")
    if not provider:
        return None
    if provider not in _CAPTCHAS:
        raise ConfigError(f"TWTC_CAPTCHA must be one of {', '.join(_CAPTCHAS)}")
    if provider == "local" and env.get("TWTC_PROFILE") == "production":
        raise ConfigError("TWTC_CAPTCHA=local is for development: a program can solve it")
    key, secret = env.get("TWTC_CAPTCHA_SITE_KEY", ""), env.get("TWTC_CAPTCHA_SECRET", "")
    if provider != "local" and not (key and secret):
        raise ConfigError("set TWTC_CAPTCHA_SITE_KEY and TWTC_CAPTCHA_SECRET")
    url = _CAPTCHAS[provider]
    return CaptchaConfig(provider, key, secret, url, env.get("TWTC_CAPTCHA_HOSTNAME", ""))


def _is_on(name: str, value: str) -> bool:
    if value not in ("on", "off"):
        raise ConfigError(f"{name} must be on or off")
    return value == "on"


def _http_url(name: str, url: str) -> str:
    """An HTTP URL without a slash at its end, or nothing. Raise ConfigError for any other."""
    if url and not url.startswith(("http://", "https://")):
        raise ConfigError(f"{name} must begin with http:// or https://")
    return url.rstrip("/")


def _secret(name: str, value: str) -> bytes:
    if len(value.encode()) < _SECRET_BYTES_MIN:
        raise ConfigError(
            f"{name} must be a random value of at least {_SECRET_BYTES_MIN} bytes, "
            'for example from: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return value.encode()
