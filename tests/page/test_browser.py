"""What people do at the page: follow, reload, find a cause, roll back; with mouse and keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Reader, Site
from tests.support import page as support
from tests.support import shop_runs
from tests.support.shop_runs import BUILD_LOG

RUN = "20261124T080000-77aa"
SHIFTS = """() => {
  window.moved = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""


def log_of(page: Page, stage: str) -> str:
    return page.locator(f"#log-{stage} .lines").inner_text()


def test_a_live_run_is_followed_to_its_end_and_reloaded_in_the_middle(
    site: Site, reader: Reader
) -> None:
    store = site.board.store
    told = support.begin(store, RUN, site.board.clock())
    with support.alive(store):
        page = reader.open(f"/p/shop/runs/{RUN}")
        page.evaluate(SHIFTS)
        expect(page.locator(".head .state")).to_have_text("● code")
        told.start("code")
        told.log("code", "one \x1b[31mred\x1b[0m <b>line</b>", step="pytest")
        expect(page.locator("#log-code .ink-1")).to_have_text("red")
        assert "<b>line</b>" in log_of(page, "code")
        told.end("code", 0.5, artifacts={"Source": support.source("Pay by card")})
        expect(page.locator("h1")).to_have_text("Pay by card")
        told.start("build")
        for step, lines in BUILD_LOG[:2]:
            told.log("build", *lines, step=step)
        expect(page.locator("#log-build")).to_contain_text("Successfully installed")

        page.reload()
        for step, lines in BUILD_LOG[2:]:
            told.log("build", *lines, step=step)
        expect(page.locator("#log-build")).to_contain_text("exporting to image")
        assert log_of(page, "build").count("Collecting flask==3.1.0") == 1
        told.end("build", 2, summary="2 images")
        expect(page.locator("#bar-build")).to_contain_text("passed")
        told.finish("passed", 0, {"release": "r15", "url": "http://shop.example.com"})
    expect(page.locator(".head .state")).to_have_text("✓ passed")
    expect(page.locator(".head .release")).to_have_text("r15")
    assert page.title().startswith("passed: Pay by card")


def test_nothing_jumps_while_a_run_goes_on(site: Site, reader: Reader) -> None:
    store = site.board.store
    told = support.begin(store, RUN, site.board.clock())
    with support.alive(store):
        page = reader.open(f"/p/shop/runs/{RUN}", height=700)
        told.start("code")
        expect(page.locator("#bar-code")).to_contain_text("running")
        page.evaluate(SHIFTS)
        told.log("code", *(f"line {number}" for number in range(200)))
        expect(page.locator("#log-code .count")).to_have_text("200 lines")
        told.end("code", 1, summary="3f9ac1d27be0 on main")
        told.tell(support.check("the catalogue is served"))
        expect(page.locator("#bar-code")).to_contain_text("passed")
        expect(page.locator("#run-results")).to_contain_text("the catalogue is served")
        moved = page.evaluate("window.moved")
        lines = page.locator("#log-code .lines")
        assert lines.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight") < 40
        told.finish("passed", 0)
    assert moved < 0.1  # what search engines call good


def test_a_reader_who_was_cut_off_misses_nothing(site: Site, reader: Reader) -> None:
    store = site.board.store
    told = support.begin(store, RUN, site.board.clock())
    with support.alive(store):
        page = reader.open(f"/p/shop/runs/{RUN}")
        told.start("code")
        told.log("code", "before")
        expect(page.locator("#log-code")).to_contain_text("before")
        site.stop()
        told.log("code", "while away")
        site.start()
        told.log("code", "after")
        expect(page.locator("#log-code")).to_contain_text("after")
        assert [log_of(page, "code").count(word) for word in ("before", "while away", "after")] == [
            1, 1, 1
        ]  # fmt: skip
        told.finish("passed", 0)
    expect(page.locator(".head .state")).to_have_text("✓ passed")
    reader.complaints.clear()  # the browser's own word on the lost connection


def test_the_cause_of_a_failure_is_one_click_away(site: Site, reader: Reader) -> None:
    shop_runs.story(site.board.store)
    page = reader.open("/p/shop")
    page.get_by_role("link", name="Round prices half to even").click()
    cause = page.get_by_role("heading", name="smoke: an order can be placed: status 500")
    expect(cause).to_be_in_viewport()
    expect(page.get_by_text("NameError: name 'ROUND_HALF_EVENT'").first).to_be_in_viewport()
    page.get_by_role("link", name="Log of smoke").click()
    expect(page.locator("#log-smoke .lines")).to_be_in_viewport()


def test_runs_appear_by_themselves(site: Site, reader: Reader) -> None:
    page = reader.open("/p/shop")
    expect(page.get_by_text("There is no run yet.")).to_be_visible()
    told = support.begin(site.board.store, RUN, site.board.clock())
    with support.alive(site.board.store):
        told.start("code")
        expect(page.locator(".row .state")).to_have_text("● code")
    told.end("code", 1, artifacts={"Source": support.source("Pay by card")})
    told.finish("failed", 1)
    expect(page.get_by_role("link", name="Pay by card")).to_be_visible()


def test_a_rollback_needs_the_token(site: Site, reader: Reader) -> None:
    shop_runs.story(site.board.store)
    page = reader.open("/p/shop")
    page.get_by_role("link", name="Roll back to r13").click()
    expect(page.get_by_role("heading", name="Roll back to r13")).to_be_visible()
    expect(page.get_by_role("button", name="Roll back to r13")).to_have_count(0)
    page.get_by_role("link", name="Log in to roll back").click()

    page.get_by_label("Token").fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    assert site.wishes.asked == []
    reader.complaints.clear()  # the browser's own word on the refusal

    page.get_by_label("Token").fill(support.TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Roll back to r13").click()
    expect(page.get_by_role("status")).to_contain_text("The rollback is asked for")
    assert site.wishes.asked == [("rollback", "shop", "r13")]
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


def test_all_of_it_works_by_keyboard(site: Site, reader: Reader) -> None:
    shop_runs.story(site.board.store)
    page = reader.open("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_text("shop")
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/shop")
    row = page.get_by_role("link", name="Round prices half to even")
    row.focus()
    for _ in range(2):  # the page looks for news meanwhile
        page.wait_for_event("response", lambda answer: answer.url.endswith("/p/shop"))
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#bar-smoke").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#log-smoke .lines")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_access(site: Site, reader: Reader, scheme: str) -> None:
    runs = shop_runs.story(site.board.store)
    paths = [
        "/", "/p/shop", "/p/docs", f"/p/shop/runs/{runs['released']}", "/login", "/nowhere",
        f"/p/shop/runs/{runs['failed']}", f"/p/shop/runs/{runs['running']}", "/p/shop/rollback/r13",
    ]  # fmt: skip
    page = reader.open(scheme=scheme)
    for path in paths:
        page.goto(path)
        page.evaluate(
            "document.querySelectorAll('details').forEach((part) => { part.open = true })"
        )
        found = Axe().run(page).response["violations"]
        serious = [
            (path, one["id"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
    reader.complaints.clear()  # /nowhere is not there


def test_it_fits_a_phone(site: Site, reader: Reader) -> None:
    runs = shop_runs.story(site.board.store)
    for path in ("/", "/p/shop", f"/p/shop/runs/{runs['failed']}", "/p/shop/rollback/r13"):
        page = reader.open(path, width=360, height=740)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= 360, path
