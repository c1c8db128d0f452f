"""The dashboard's process: `python -m workers.dashboard` serves rq-dashboard, and keeps it true."""

import argparse
import logging
import os
import sys
from threading import Thread

from flask import Flask

from runtime.environment import ConfigError, load_config
from runtime.serving import serve
from workers.dashboard.board import Board, open_client
from workers.dashboard.holdings import Holdings
from workers.dashboard.keeper import Keeper
from workers.dashboard.web import create_app, read_login


class Options(argparse.Namespace):
    """What the command line says."""

    host: str
    port: int


def open_app() -> Flask:
    """The application, with its keeper at work. It needs no Redis to start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = load_config(stores=False)
    keeper = Keeper(Board(config.dashboard_url), Holdings(open_client(config.broker_url)))
    Thread(target=keeper.run, name="keeper", daemon=True).start()
    return create_app(config.dashboard_url, read_login(os.environ), keeper.wake)


def main() -> int:
    """Check the settings, then serve until stopped. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workers.dashboard", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="by default nobody else's machine")
    parser.add_argument("--port", type=int, default=9181)
    options = parser.parse_args(namespace=Options())
    try:
        config = load_config(stores=False)
        read_login(os.environ)
        if not config.dashboard_url:
            raise ConfigError("the dashboard is off: set DASHBOARD_URL, and not TWTC_DASHBOARD=off")
    except ConfigError as error:
        print(f"dashboard: {error}", file=sys.stderr)
        return 2
    target = "workers.dashboard.__main__:open_app"
    serve(target, options.host, options.port, is_wsgi=True, is_factory=True, stop_seconds=5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
