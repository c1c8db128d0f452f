"""The local ad partner: shows countdown ads and sends the house network's signed callback; and
hosts the films of our own.

It plays the partner's side of a direct partnership, with the real protocol:
`python -m partner --port 8100`, with TWTC_HOUSE_SECRET and TWTC_PUBLIC_URL (the API's address).
The API knows it only by its callbacks.
"""

import argparse

from partner.app import PartnerConfigError, create_from_environment
from runtime.serving import serve


def main() -> None:
    """Serve the partner until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m partner", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    arguments = parser.parse_args()
    try:
        create_from_environment()
    except PartnerConfigError as error:
        parser.error(str(error))
    serve("partner.app:create_from_environment", arguments.host, arguments.port, is_factory=True)


if __name__ == "__main__":
    main()
