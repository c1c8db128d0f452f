"""The populations that measure the score live by the product's rules."""

import pytest

from benchmarks.populations import population
from benchmarks.populations.contract import (
    DAY_SECONDS,
    NIGHTS,
    OPEN_SECONDS,
    TASKS,
    Account,
    network_of,
    right_choice,
)


@pytest.fixture(scope="module")
def accounts() -> list[Account]:
    return population(seed=7, people=4, farms=1, size=6)


def test_everybody_has_fourteen_days_in_order(accounts: list[Account]) -> None:
    for account in accounts:
        assert len(account.days) == NIGHTS
        for day in account.days:
            assert all(0 <= act.at < DAY_SECONDS for act in day)
            assert [act.at for act in day] == sorted(act.at for act in day)
        assert all(act.at > account.registered_at for act in account.days[0])


def test_sessions_start_in_a_window_and_answers_are_what_was_chosen(
    accounts: list[Account],
) -> None:
    acts = [act for account in accounts for day in account.days for act in day]
    for act in acts:
        if act.kind == "mining.start":
            assert act.latency is not None and 0 <= act.latency < OPEN_SECONDS
        if act.kind.endswith(".answer"):
            assert act.question is not None
            assert (act.result == "DONE") == (act.choice == right_choice(act.question))
        if act.number is not None:
            assert 1 <= act.number <= TASKS
        assert act.ip is not None and act.network == network_of(act.ip)


def test_a_farm_of_the_first_kind_has_one_network_and_of_the_others_many(
    accounts: list[Account],
) -> None:
    networks: dict[str, set[str | None]] = {}
    for account in accounts:
        if account.farm is not None:
            found = networks.setdefault(f"{account.kind}/{account.farm}", set())
            found |= {act.network for day in account.days for act in day}
    assert len(networks) == 9
    for name, found in networks.items():
        assert (len(found) == 1) == name.startswith("farm (i):"), name


def test_the_same_seed_gives_the_same_accounts(accounts: list[Account]) -> None:
    assert population(seed=7, people=4, farms=1, size=6) == accounts
    assert population(seed=8, people=4, farms=1, size=6) != accounts
