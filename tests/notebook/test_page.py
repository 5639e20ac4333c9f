"""The web page of stage 05: what it serves, and how it works in a browser with a real API."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from browser import CHROMIUM, Browser

from workshop.grading.account import Account
from workshop.grading.function import deploy
from workshop.grading.web import HttpApi, ask
from workshop.notebook.page import serve_page
from workshop.paths import repository

pytestmark = pytest.mark.isolation
STAGE = "stage_05_serverless_api"
ROUTES = ("GET /stations", "GET /stations/{station_id}", "POST /rides", "GET /rides/{ride_id}")
ROUTES += ("DELETE /rides/{ride_id}", "OPTIONS /{proxy+}")


@pytest.fixture(scope="module")
def page():
    page = serve_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def api(lab, page):
    """The solution's API with six stations, which allows the page."""
    account = Account(lab.cloud.client, lab.cloud.idle)
    stations, rides = account.table("city", "station_id"), account.table("ride_id")
    variables = {"STATIONS_TABLE": stations, "RIDES_TABLE": rides, "CITY": "washington"}
    variables |= {"ALLOWED_ORIGIN": page.origin, "CURSOR_KEY": "a key"}
    for number in range(1, 7):
        item = {"city": {"S": "washington"}, "station_id": {"S": f"w-{number}"}}
        item |= {"name": {"S": f"Station <{number}>"}, "lat": {"N": "38.9"}, "lon": {"N": "-77"}}
        item |= {"capacity": {"N": "15"}, "num_bikes_available": {"N": "1"}}
        item |= {"num_docks_available": {"N": "14"}}
        account.client("dynamodb").put_item(TableName=stations, Item=item)
    function = deploy(
        account.client("lambda"), repository() / "solutions" / STAGE, variables=variables
    )
    return HttpApi(account, function, ROUTES)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


def test_serves_its_files_and_no_others(page):
    html = ask(page.origin + "/")
    assert html.status == 200
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    for name in ("stations.js", "stations.css"):
        assert name in html.text, "the page names what it loads"
        assert ask(f"{page.origin}/{name}").status == 200
    for name in ("../../stages.toml", "/etc/passwd", "nothing.js"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{page.origin}/{name}")


def test_loads_nothing_from_elsewhere():
    for path in (repository() / "workshop" / "web" / "stations").iterdir():
        assert "http" not in path.read_text(encoding="utf-8"), f"{path.name} must work offline"


def test_prints_nothing_that_varies(page):
    shown = page.show("http://127.0.0.1:1/api")
    assert "127.0.0.1" not in repr(shown)
    assert f'<iframe src="{page.origin}/" title="Stations"' in shown._repr_html_()
    assert ask(page.origin + "/config.json").value == {"api": "http://127.0.0.1:1/api"}


def rows(browser):
    return browser.run("document.querySelectorAll('#stations tr').length")


def press(browser, selector):
    browser.run(f"document.querySelector('{selector}').click()")


def status(browser, words):
    """Waits until the page's message has these words."""
    browser.wait_for(f"document.querySelector('#status').textContent.includes({words!r})")


def test_shows_stations_and_pages(page, api, browser):
    page.show(api.url)
    browser.open(page.origin)
    status(browser, "4 stations so far.")
    assert "Station <1>" in browser.run("document.querySelector('#stations').textContent")
    press(browser, "#more")
    status(browser, "6 stations in all.")
    assert rows(browser) == 6
    assert browser.run("document.querySelector('#more').hidden") is True


def test_rents_says_why_not_and_gives_back(page, api, browser):
    page.show(api.url)
    browser.open(page.origin)
    status(browser, "4 stations so far.")
    bikes = "document.querySelector('#station-w-2 .number').textContent"
    press(browser, "#station-w-2 button")
    status(browser, "You have a bike from Station <2>.")
    browser.wait_for(f"{bikes} === '0'")
    press(browser, "#station-w-2 button")
    status(browser, "409: Station w-2 has no bike.")
    assert browser.run("document.querySelector('#status').className") == "problem"
    press(browser, "#rides button")
    status(browser, "The bike is back at Station <2>.")
    browser.wait_for(f"{bikes} === '1'")
    assert browser.run("document.querySelector('#none').hidden") is False
    assert browser.run("document.querySelector('li#none')") is None  # a bullet would be a ride


def test_a_page_of_another_origin_reads_nothing(api, browser):
    other = serve_page()
    try:
        other.show(api.url)
        browser.open(other.origin)
        status(browser, "is Access-Control-Allow-Origin right?")
        assert rows(browser) == 0
    finally:
        other.close()


def test_every_control_has_a_name(page, api, browser):
    page.show(api.url)
    browser.open(page.origin)
    status(browser, "4 stations so far.")
    names = "[...document.querySelectorAll('button')].map(b => b.ariaLabel || b.textContent)"
    said = browser.run(names)
    assert "Rent: Station <1>" in said
    assert len(set(said)) == len(said), "two buttons of one name cannot be told apart by ear"
    assert browser.run("document.documentElement.lang") == "en"
