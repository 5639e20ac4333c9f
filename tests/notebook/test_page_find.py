"""The page of stage 09 on a phone-sized screen: a real browser, a real function URL."""

from __future__ import annotations

import pytest
from browser import CHROMIUM, Browser

from workshop.examples.mobile import TOKEN_KEY, token_for
from workshop.examples.stations import STATIONS, table_of_stations
from workshop.grading.account import Account
from workshop.grading.function import deploy
from workshop.grading.web import FunctionUrl
from workshop.notebook.page import serve_page
from workshop.paths import repository

pytestmark = pytest.mark.isolation
FOLDER = repository() / "solutions" / "stage_09_mobile_and_iot"


@pytest.fixture(scope="module")
def page():
    page = serve_page("find")
    yield page
    page.close()


@pytest.fixture(scope="module")
def backend(lab, page):
    """The solution's `find` behind a function URL, which allows the page to read its answers."""
    account = Account(lab.cloud.client, lab.cloud.idle)
    table, dynamodb = account.name("table"), account.client("dynamodb")
    table_of_stations(dynamodb, table)
    for station in STATIONS:
        named = station._replace(name=f"<b>{station.name}")
        dynamodb.put_item(TableName=table, Item=named.counted())
    function = deploy(
        account.client("lambda"),
        FOLDER,
        variables={"STATIONS_TABLE": table, "TOKEN_KEY": TOKEN_KEY},
        values={"JWT_LAYER": account.layer("PyJWT")},
        changes={"Handler": "handler.find"},
    )
    url = FunctionUrl(account, function)
    account.client("lambda").update_function_url_config(
        FunctionName=function.name,
        Cors={
            "AllowOrigins": [page.origin],
            "AllowMethods": ["GET"],
            "AllowHeaders": ["authorization"],
        },
    )
    return url


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    browser.resize(360, 640)
    yield browser
    browser.close()


@pytest.fixture
def phone(page, backend, browser):
    """The page on the phone of a rider who is signed in."""
    page.show(backend.url, token=token_for("R-7"))
    browser.open(page.origin)
    browser.wait_for("document.querySelector('#form').dataset.ready === 'yes'")
    return browser


def find(phone, lat="38.8893", lon="-77.0502", signed_in=True):
    """Fills the form in and presses the button."""
    for name, value in (("lat", lat), ("lon", lon)):
        phone.run(f"document.querySelector('#{name}').value = {value!r}")
    phone.run(f"document.querySelector('#signed-in').checked = {str(signed_in).lower()}")
    phone.run("document.querySelector('#find').click()")


def status(phone, words):
    """Waits until the page's message has these words."""
    phone.wait_for(f"document.querySelector('#status').textContent.includes({words!r})")


def listed(phone):
    return phone.run("[...document.querySelectorAll('#stations li')].map(li => li.textContent)")


def test_shows_the_nearest_stations(phone):
    find(phone)
    status(phone, "5 stations near you.")
    assert listed(phone)[0] == "<b>Lincoln Memorial5 bikes, 116 m"  # shown as text, not as HTML
    assert not any("Reflecting Pool" in each for each in listed(phone))


def test_says_that_there_is_none(phone):
    find(phone, lat="10", lon="10")
    status(phone, "There is no bike near you.")
    assert listed(phone) == []


def test_says_what_the_function_refuses(phone):
    find(phone, signed_in=False)
    status(phone, "401: Sign in first.")
    assert phone.run("document.querySelector('#status').className") == "problem"
    find(phone, lat="north")
    status(phone, "400: lat is not a number")


def test_a_page_of_another_origin_reads_nothing(backend, browser):
    other = serve_page("find")
    try:
        other.show(backend.url, token=token_for("R-7"))
        browser.open(other.origin)
        browser.wait_for("document.querySelector('#form').dataset.ready === 'yes'")
        find(browser)
        status(browser, "does the CORS of the URL allow this page?")
        assert listed(browser) == []
    finally:
        other.close()


def test_fits_a_phone(phone):
    find(phone)
    status(phone, "5 stations near you.")
    assert phone.run("window.innerWidth") == 360
    assert phone.run("document.documentElement.scrollWidth") <= 360, "it scrolls sideways"
    heights = "[...document.querySelectorAll('button, input:not([type=checkbox]), label.line')]"
    heights += ".map(each => each.getBoundingClientRect().height)"
    assert min(phone.run(heights)) >= 44, "too small for a thumb"


def test_loads_nothing_from_elsewhere():
    for path in (repository() / "workshop" / "web" / "find").iterdir():
        assert "http" not in path.read_text(encoding="utf-8"), f"{path.name} must work offline"
