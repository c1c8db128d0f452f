"""The API's process: `python -m api`, the same for everybody who starts it."""

import argparse

from runtime.serving import serve

# Requests that wait for an outcome have their time (`Prefer: wait`); event streams are cut.
STOP_SECONDS = 15


class Options(argparse.Namespace):
    """What the command line says."""

    host: str
    port: int
    workers: int
    stop_seconds: int


def main() -> None:
    """Serve the API until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="by default nobody else's machine")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="processes that share the port")
    parser.add_argument(
        "--stop-seconds", type=int, default=STOP_SECONDS, help="for what runs when it is stopped"
    )
    options = parser.parse_args(namespace=Options())
    serve(
        "api.app:create_from_environment",
        options.host,
        options.port,
        is_factory=True,
        processes=options.workers,
        stop_seconds=options.stop_seconds,
    )


if __name__ == "__main__":
    main()
