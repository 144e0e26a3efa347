import base64
import hashlib
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from photoenhance.report.chart import MANY, MOST, bucketed, chart, written
from photoenhance.report.film import film, thinned
from photoenhance.report.run_page import render
from photoenhance.report.run_rows import Curve, Group, RunReport, Sample

PAIN = '</script><script>document.title="owned"</script>'


def sample(step: int, color: str) -> Sample:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 20), color).save(buffer, "WEBP")
    return Sample(step, (60, 20), buffer.getvalue())


def report(**parts) -> RunReport:
    curves = (
        Curve("look", tuple((step, 1 / step) for step in range(10, 110, 10)), best=60),
        Curve("color", tuple((step, float(step % 7)) for step in range(1, 101)), unit=" dB"),
    )
    defaults = {
        "title": "my_style",
        "lead": "100 steps.",
        "facts": (("Best step", "60"),),
        "groups": (Group("Losses", "They need not fall.", curves),),
        "samples": (sample(50, "red"), sample(100, "green")),
        "settings": (("width", "8"),),
    }
    return RunReport(**(defaults | parts))


def html(**parts) -> str:
    return b"".join(render(report(**parts))).decode()


@pytest.fixture
def opened(browser, tmp_path: Path):
    def open_page(width=1280, height=900, dark=False, **parts):
        page = tmp_path / "report.html"
        page.write_text(html(**parts), encoding="utf-8")
        browser.open(page, width=width, height=height, dark=dark)
        return browser

    return open_page


def test_the_policy_allows_nothing_but_the_pages_own_style_and_script() -> None:
    text = html()

    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    hashes = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        for each in (style, script)
    ]
    policy = re.search(r'Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert policy == (
        f"default-src 'none'; img-src blob:; style-src 'sha256-{hashes[0]}'; "
        f"script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def test_a_page_names_no_address_and_no_element_has_a_style_or_a_handler() -> None:
    text = html()

    assert re.findall(r"""https?:|["'(]//""", text) == []
    assert re.findall(r"<[^>]* (?:style|on\w+)=", text) == []


def test_whatever_is_named_like_a_script_is_escaped() -> None:
    group = Group(PAIN, PAIN, (Curve(PAIN, ((1, 1.0),), PAIN, PAIN),))

    text = html(
        title=PAIN, lead=PAIN, facts=((PAIN, PAIN),), groups=(group,), settings=((PAIN, PAIN),)
    )

    assert PAIN not in text


def test_the_samples_are_in_the_page() -> None:
    held = re.search(r'id="sample-1">([^<]*)<', html())[1]

    assert base64.b64decode(held) == sample(100, "green").data


def test_a_run_without_samples_or_numbers_has_a_page() -> None:
    text = html(samples=(), groups=(Group("Losses", "", (Curve("color", ()),)),))

    assert "my_style" in text
    assert "<h2" not in text


def test_numbers_that_are_none_are_left_out() -> None:
    curve = Curve("look", ((1, float("nan")), (2, 3.0), (3, float("inf")), (4, 5.0)))

    drawn = chart(curve, (0, 4))

    assert [spot[2] for spot in drawn.spots] == [2, 4]
    assert chart(Curve("look", ((1, float("nan")),)), (0, 4)) is None


def test_the_axis_is_that_of_the_whole_run_and_the_line_keeps_within_the_field() -> None:
    drawn = chart(Curve("look", ((50, 2.0), (100, 4.0))), (0, 100))

    (x0, y0, *_), (x1, y1, *_) = drawn.spots
    assert (x0, x1) == (198, 350)
    assert 12 <= y1 < y0 <= 156
    assert [tick.text for tick in drawn.across] == ["0", "20", "40", "60", "80", "100"]


def test_a_peak_at_the_beginning_does_not_flatten_the_rest() -> None:
    values = [1000.0] + [1 + 0.01 * (number % 5) for number in range(100)]

    drawn = chart(Curve("color", tuple(enumerate(values))), (0, 100))

    heights = [y for _, y, *_ in drawn.spots[1:]]
    assert max(heights) - min(heights) > 40
    assert drawn.spots[0][1] >= 0


def test_many_points_are_averaged_and_get_a_smooth_line() -> None:
    points = [(step, float(step % 2)) for step in range(10_000)]

    drawn = chart(Curve("color", tuple(points)), (0, 10_000))
    few = chart(Curve("color", tuple(points[: MANY - 1])), (0, 10_000))

    assert len(bucketed(points, MOST)) <= MOST
    assert bucketed([(1, 2.0), (2, 4.0), (3, 6.0)], 2) == [(2, 3.0), (3, 6.0)]
    assert drawn.smooth
    assert not few.smooth


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "", "0"),
        (0.012345, "", "0.0123"),
        (93.8, " %", "93.8 %"),
        (12345.6, "", "12,346"),
        (-2.5, " dB", "\N{MINUS SIGN}2.5 dB"),
        (0.00045, "", "4.5e\N{MINUS SIGN}4"),
    ],
)
def test_a_number_is_written_with_as_many_digits_as_mean_something(value, unit, text) -> None:
    assert written(value, unit) == text


def test_a_film_is_evenly_spread_and_holds_the_first_and_the_last(tmp_path: Path) -> None:
    for step in (1, 3):
        Image.new("RGB", (4000, 1000), "red").save(tmp_path / f"{step}.png")

    seen = film({step: tmp_path / f"{step}.png" for step in (3, 2, 1)})

    assert [each.step for each in seen] == [1, 3]
    assert seen[0].size == (2400, 600)
    assert thinned(list(range(100)), 4) == [0, 33, 66, 99]
    assert thinned([1, 2], 4) == [1, 2]


def test_the_timeline_goes_through_the_samples(opened) -> None:
    browser = opened()
    shown = "[...document.querySelectorAll('.frames img')].find(image => !image.hidden)"

    assert browser.wait_for(f"{shown}.naturalWidth === 60")
    last = browser.js(f"return {shown}.dataset.step")
    browser.find(".when").send_keys("\ue012")  # the left arrow

    assert (last, browser.js(f"return {shown}.dataset.step")) == ("100", "50")
    assert browser.js("return document.querySelector('.after').value") == "50 steps"


def test_photos_before_and_after_are_shown_whole_above_all(opened) -> None:
    browser = opened(result=sample(0, "blue"))

    assert browser.wait_for("document.querySelector('.result').naturalWidth === 60")
    assert browser.js("return document.querySelector('.run h2').textContent") == "Before and after"


def test_pointing_at_one_chart_points_at_the_same_step_in_all(opened) -> None:
    browser = opened()

    browser.js(
        "const svg = document.querySelector('.chart svg'), box = svg.getBoundingClientRect();"
        "svg.dispatchEvent(new PointerEvent('pointermove',"
        "{clientX: box.left + box.width * (46 + 304 * .6) / 360, clientY: box.top + 40}))"
    )

    told = browser.js("return [...document.querySelectorAll('.value')].map(o => o.value)")
    assert told == ["0.0167 at 60", "4 dB at 60"]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_width_makes_the_page_scroll_sideways_and_nothing_leaves_the_file(opened, width) -> None:
    browser = opened(width=width, title="z" * 90, settings=(("weights", "0123456789abcdef" * 4),))
    browser.js("document.querySelector('details').open = true")

    assert browser.js("return document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
    strangers = [u for u in browser.requests() if not u.startswith(("file:///", "blob:"))]
    assert strangers == []


def test_the_points_of_the_script_are_those_of_the_charts() -> None:
    spots = json.loads(re.search(r'id="spots">(.*?)</script>', html())[1])

    assert [len(each) for each in spots] == [10, 100]
    assert spots[0][5][2:] == [60, "0.0167"]
