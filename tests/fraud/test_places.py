"""Lists of addresses and the database of places: replaced, looked up, broken."""

from pathlib import Path

from models.base.db import connected
from models.fraud.reputation import AddressList, Places, parse_list
from runtime.clock import utcnow
from tests.kit.counterpart import Reply, counterpart
from tests.kit.places import USA
from tests.kit.world import World
from workers.reputation import refresh_lists


async def test_lists_are_replaced_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    banned = tmp_path / "banned.txt"
    banned.write_text("192.0.2.0/25 ; a farm\n2001:db8::/32\n")
    with counterpart(Reply(200, b"198.51.100.7\n"), Reply(200, b""), Reply(500, b"x")) as server:
        sources = {"TOR": server.url, "BANNED": str(banned), "VPN": str(tmp_path / "none")}
        for expected in ({"TOR": 1, "BANNED": 2}, {"BANNED": 2}, {"BANNED": 2}):
            assert await refresh_lists(world.database, sources, utcnow()) == expected
    reputation = world.shop.reputation
    reputation.forget()
    async with connected(world.database) as connection:
        await reputation.read_anew(connection)
    assert reputation.find("198.51.100.7") == "TOR"
    assert reputation.find("192.0.2.127") == reputation.find("2001:db8::9") == "BANNED"
    assert reputation.find("192.0.2.128") is None
    assert reputation.find("nonsense") is None


def test_an_address_list_finds_what_any_of_its_networks_has() -> None:
    listed = AddressList(parse_list("10.0.0.0/8\n10.1.0.0/16\n\n192.0.2.1\n::1"))
    inside = ["10.0.0.0", "10.255.255.255", "192.0.2.1", "::1", "::ffff:10.0.0.1"]
    outside = ["9.255.255.255", "11.0.0.0", "192.0.2.0", "192.0.2.2", "::2"]
    assert [address in listed for address in inside] == [True] * 5
    assert [address in listed for address in outside] == [False] * 5
    assert "10.0.0.1" not in AddressList([])


def test_a_missing_or_broken_database_of_places_knows_no_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"not a database")
    for path in ("", str(tmp_path / "none.mmdb"), str(broken)):
        assert Places(path).find(USA) is None
