"""Reports without photos on disk, and a real browser to look at them."""

import io
import json
import shutil

import pytest
from PIL import Image

from photoenhance.report.page import render
from photoenhance.report.rows import Measure, Picture, Report, Row


@pytest.fixture(scope="session")
def picture():
    """A picture that a page can hold, of one colour."""

    def make(color):
        buffer = io.BytesIO()
        Image.new("RGB", (60, 40), color).save(buffer, "WEBP")
        return Picture(None, buffer.getvalue())

    return make


@pytest.fixture(scope="session")
def row(picture):
    """A row of a given name, red before and green after."""
    red, green = picture("red"), picture("green")

    def make(name="a.jpg", **changes):
        histogram = ("M0 40L0 9 64 40Z",) * 3
        measures = (
            Measure("Brightness", 40.4, 49.6, 0, " %", "Mean luma"),
            Measure("Sharpness", None, -3.0, 0, " %", "More detail"),
        )
        parts = {"before": red, "after": green} | changes
        return Row(name, (600, 400), histograms=(histogram, histogram), measures=measures, **parts)

    return make


@pytest.fixture
def html(row):
    """The text of a page that shows these rows."""

    def make(*rows, **parts):
        report = Report(parts.pop("title", "Holiday"), rows or (row(),), **parts)
        return b"".join(render(report)).decode("utf-8")

    return make


@pytest.fixture(scope="session")
def driver():
    """Chromium without a window, one for all tests."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("needs Debian's chromium and chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


class Browser:
    """A page in Chromium, and what it has said and asked for since it was opened."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, page, *, width=1280, height=900, dark=False):
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.command("Emulation.setTouchEmulationEnabled", enabled=width < 600)
        self.driver.get(page.as_uri())

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait_for(self, code):
        """Wait until JavaScript says so; True if it ever does."""
        waiting = f"""
            const [done] = arguments, begun = Date.now();
            const look = () => ({code}) ? done(true)
                : Date.now() - begun > 20000 ? done(false) : setTimeout(look, 20);
            look();"""
        return self.driver.execute_async_script(waiting)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def box(self, selector):
        """Left, top, width and height of an element in the window."""
        return self.js(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height]",
            selector,
        )

    def style(self, selector, name):
        return self.js(
            "return getComputedStyle(document.querySelector(arguments[0]))"
            ".getPropertyValue(arguments[1])",
            selector, name,
        )  # fmt: skip

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses of everything that was asked for."""
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def touch(self, *steps):
        """Put fingers down, move them, take them off: each step is a list of points."""
        for number, points in enumerate(steps):
            kind = "touchMove" if number else "touchStart"
            places = [{"x": x, "y": y, "id": each} for each, (x, y) in enumerate(points)]
            self.command("Input.dispatchTouchEvent", type=kind, touchPoints=places)
        self.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


@pytest.fixture
def browser(driver):
    return Browser(driver)


@pytest.fixture
def opened(browser, html, tmp_path):
    """Open a page that shows these rows."""

    def open_page(*rows, window=(1280, 900), dark=False, **parts):
        page = tmp_path / "report.html"
        page.write_text(html(*rows, **parts), encoding="utf-8")
        browser.open(page, width=window[0], height=window[1], dark=dark)
        return browser

    return open_page
