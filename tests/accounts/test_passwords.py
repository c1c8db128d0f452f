"""Which passwords may be chosen, and what leaves the house for that."""

import hashlib

import httpx
import pytest

from api.identity.passwords import refuse_weak
from api.web_base.problems import ProblemError
from tests.kit.counterpart import Reply, counterpart

PASSWORD = "password1"
DIGEST = hashlib.sha1(PASSWORD.encode()).hexdigest().upper()


async def is_refused(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            await refuse_weak(http, url, PASSWORD, "ann@example.com")
        except ProblemError as error:
            assert error.problem.type.endswith("password-weak")
            return True
    return False


@pytest.mark.parametrize(
    ("status", "listed", "refused"),
    [
        (200, f"0000:4\r\n{DIGEST[5:]}:37\r\n", True),
        (200, f"{DIGEST[5:]}:0\r\n", False),  # padding
        (200, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n", False),
        (503, "", False),
    ],
)
async def test_a_breached_password_is_refused_and_doubt_is_not(
    status: int, listed: str, refused: bool
) -> None:
    with counterpart(Reply(status, listed.encode())) as service:
        assert await is_refused(service.url) is refused
        [request] = service.received
    assert request.path == f"/range/{DIGEST[:5]}"  # five digits, and no more
    assert request.headers["add-padding"] == "true"


async def test_without_the_service_a_password_is_taken(unused_tcp_port: int) -> None:
    assert not await is_refused(f"http://127.0.0.1:{unused_tcp_port}")


@pytest.mark.parametrize("password", ["ann@example.com", "ANN@Example.com"])
async def test_ones_address_is_no_password(password: str) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ProblemError):
            await refuse_weak(http, "", password, "ann@example.com")
