"""Telling what is wrong (decision 0032)."""

from runtime.environment import Config
from runtime.mail import check_own
from workers.alerting.contract import Channels, LogLines
from workers.alerting.senders import PagerDuty, SmtpMailer, Webhook


def open_channels(config: Config) -> Channels:
    """Those that are configured. In place of each other one there are lines in the log.

    Raise AddressError for an address that mail cannot be sent by or to.
    """
    chosen, lines = config.alerts, LogLines()
    has_mail = config.smtp_url and chosen.mail_to
    if has_mail:
        check_own("TWTC_MAIL_FROM", config.mail_from)
        check_own("TWTC_ALERTS_MAIL_TO", chosen.mail_to)
    return Channels(
        critical=PagerDuty(chosen.pagerduty_url, chosen.pagerduty_key)
        if chosen.pagerduty_key
        else lines,
        warning=Webhook(chosen.slack_url) if chosen.slack_url else lines,
        summary=SmtpMailer(config.smtp_url, config.mail_from, chosen.mail_to)
        if has_mail
        else lines,
    )
