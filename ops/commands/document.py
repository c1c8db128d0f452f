"""`twtc openapi`: the document that the API serves at /docs/openapi.json, without a running one."""

import msgspec

from api.app import create_app
from runtime.environment import Config


def document() -> int:
    """Print it. Return the exit status."""
    app = create_app(Config("", "", "redis://", b"", (), ""))
    encoded = msgspec.json.encode(app.openapi_schema.to_schema(), order="sorted")
    print(msgspec.json.format(encoded, indent=1).decode())
    return 0
