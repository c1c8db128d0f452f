"""rq-dashboard as it is, behind a door: a password, our own pages only, nothing can be deleted."""

import hmac
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import rq_dashboard.default_settings
from flask import Flask, Response, current_app, redirect, request, url_for
from msgspec import Struct
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq_dashboard.web import blueprint, setup_rq_connection
from werkzeug.wrappers import Response as BaseResponse

from runtime.environment import ConfigError

PASSWORD_CHARACTERS_MIN = 12
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# rq-dashboard's pages have scripts in them and compile their templates; they load nothing foreign.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none';"
    " script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Login(Struct, frozen=True):
    """The one who may look, and press Requeue."""

    user: str
    password: str

    def is_right(self, user: str, password: str) -> bool:
        """Whether both are right; it takes as long if they are not."""
        right = hmac.compare_digest(user.encode(), self.user.encode())
        return hmac.compare_digest(password.encode(), self.password.encode()) and right


def read_login(environ: Mapping[str, str]) -> Login:
    """From the environment. Raise ConfigError if nobody has chosen a password."""
    password = environ.get("TWTC_DASHBOARD_PASSWORD", "")
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise ConfigError(
            f"TWTC_DASHBOARD_PASSWORD must have at least {PASSWORD_CHARACTERS_MIN} characters: "
            "whoever opens the dashboard can requeue jobs"
        )
    return Login(environ.get("TWTC_DASHBOARD_USER") or "ops", password)


def create_app(url: str, login: Login, pressed: Callable[[], None]) -> Flask:
    """The application. It calls `pressed` after whatever may have changed something."""
    app = Flask("rq_dashboard")
    app.config.from_object(rq_dashboard.default_settings)
    app.config["RQ_DASHBOARD_REDIS_URL"] = url
    app.config["RQ_DASHBOARD_DISABLE_DELETE"] = True
    setup_rq_connection(app)

    @app.before_request
    def admit() -> BaseResponse | None:
        given = request.authorization
        if given is None or not login.is_right(given.username or "", given.password or ""):
            asks = {"WWW-Authenticate": 'Basic realm="TWTC queues", charset="UTF-8"'}
            return Response("Sign in.\n", 401, asks)
        if not _is_ours():
            return Response("Only from this dashboard's own pages.\n", 403)
        return _to_a_queue_that_is_there()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(HEADERS)
        if request.method not in SAFE_METHODS:
            pressed()
        return response

    # Somebody else was faster, or it is over.
    app.register_error_handler(InvalidJobOperation, _answer(409, "It is not failed any more."))
    app.register_error_handler(NoSuchJobError, _answer(404, "It is not shown any more."))
    app.register_error_handler(RedisError, _answer(503, "The dashboard's Redis does not answer."))
    app.register_blueprint(blueprint)
    return app


def _to_a_queue_that_is_there() -> BaseResponse | None:
    """Whoever opens the jobs is sent to a queue: rq-dashboard would show RQ's own, "default"."""
    if request.endpoint != "rq_dashboard.jobs_overview" or request.view_args is None:
        return None
    if request.view_args.get("queue_name") is not None:
        return None
    names = sorted(queue.name for queue in Queue.all(connection=current_app.redis_conn))  # type: ignore[attr-defined]
    if not names:
        return redirect(url_for("rq_dashboard.queues_overview"))
    place = {**request.view_args, "queue_name": names[0]}
    return redirect(url_for("rq_dashboard.jobs_overview", **place))


def _is_ours() -> bool:
    """Whether a request that changes something comes from one of our pages.

    rq-dashboard requeues a whole queue on GET as well: that counts among what changes something.
    """
    changes = request.method not in SAFE_METHODS
    if not changes:
        return request.endpoint != "rq_dashboard.requeue_all"
    origin = urlsplit(request.headers.get("Origin", ""))
    return bool(origin.netloc) and origin.netloc == request.host


def _answer(status: int, line: str) -> Callable[[Exception], Response]:
    return lambda error: Response(f"{line}\n", status)
