"""Ops at the queue dashboard: a failed job with its traceback, and the button that revives it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.core.piece import Piece
from models.base.db import Database, Statement, connected, run
from runtime.environment import Config
from tests.kit.databases import on_database
from tests.kit.processes import Processes, started
from tests.kit.ringing import (
    HIDE,
    PASSWORD,
    SHOW,
    Ops,
    record_answer,
    ring,
    times_paid,
    with_dashboard,
)


@pytest.fixture
def answered(config: Config) -> tuple[int, Piece]:
    """Somebody has answered rightly; then intents could not be read any more."""

    async def answer(database: Database) -> tuple[int, Piece]:
        recorded = await record_answer(config, database, "ops")
        await _do(HIDE, database)
        return recorded

    return on_database(config.database_url, answer)


@pytest.fixture
def processes(
    answered: tuple[int, Piece], config: Config, dashboard_url: str
) -> Iterator[Processes]:
    """Who does the work, and who shows it."""
    with started(with_dashboard(config, dashboard_url), "worker", "dashboard") as both:
        yield both


def test_ops_sees_why_a_job_failed_and_requeues_it_once(
    answered: tuple[int, Piece],
    config: Config,
    processes: Processes,
    browser: Browser,
    shot: Callable[[Page, str], None],
) -> None:
    user_id, piece = answered
    with closing(Ops(processes, piece)) as ops:
        job_id = ring(config, piece, max_retries=0)
        ops.wait(job_id, "failed")
        context = browser.new_context(
            base_url=processes.dashboard,
            http_credentials={"username": "ops", "password": PASSWORD},
            viewport={"width": 1280, "height": 1000},
        )
        page = context.new_page()
        page.goto("/")
        row = page.locator("tr", has=page.get_by_text(ops.queue, exact=True))
        expect(row.first).to_be_visible()
        shot(page, "1-queues")
        page.goto(f"/0/view/jobs/{ops.queue}/failed/8/asc/1")
        page.get_by_role("link", name=job_id).click()
        expect(page.locator("pre.exc_info")).to_contain_text("UndefinedTableError")
        expect(page.locator("#delete-job-btn")).to_have_count(0)
        shot(page, "2-failed")

        on_database(config.database_url, partial(_do, SHOW))
        page.locator("#requeue-job-btn").dblclick()
        expect(page.locator("#job-data")).to_contain_text("finished", timeout=20_000)
        expect(page.locator("#job-data")).not_to_contain_text("UndefinedTableError")
        shot(page, "3-finished")
        page.goto("/0/view/workers")
        expect(page.locator("#workers")).to_contain_text("group-01")
        shot(page, "4-workers")
        assert [w["successful_job_count"] for w in ops.workers()] == [1]
        context.close()
    assert on_database(config.database_url, partial(times_paid, user_id=user_id)) == 1


async def _do(statement: Statement, database: Database) -> None:
    async with connected(database) as connection:
        await run(connection, statement)
