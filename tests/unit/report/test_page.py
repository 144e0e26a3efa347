"""The text of the page."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from photoenhance.report.page import averages, render
from photoenhance.report.rows import Failure, Measure, Picture, Report

PAIN = "<script>alert(1)</script>"


def policy(text):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")


def test_the_policy_allows_nothing_but_the_pages_own_style_and_script(html):
    text = html()

    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    hashes = [
        base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        for each in (style, script)
    ]
    assert policy(text) == (
        f"default-src 'none'; img-src blob:; style-src 'sha256-{hashes[0]}'; "
        f"script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def test_a_page_names_no_address(html):
    assert re.findall(r"""https?:|["'(]//""", html()) == []


def test_no_element_has_a_style_or_a_handler_of_its_own(html):
    assert re.findall(r"<[^>]* (?:style|on\w+)=", html()) == []


def test_whatever_is_named_like_a_script_is_escaped(html, row):
    text = html(
        row(PAIN, facts=(PAIN,), notes=(PAIN,)),
        title=PAIN, failures=(Failure(PAIN, PAIN, PAIN),), settings=((PAIN, PAIN),), models=PAIN,
    )  # fmt: skip

    assert PAIN not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 12


def test_quotes_in_a_name_end_no_attribute(html, row):
    text = html(row('" onclick="x'))

    assert '" onclick' not in text


def test_a_name_that_is_no_utf8_is_shown_with_escapes(html, row):
    assert "a\\udcff.jpg" in html(row("a\udcff.jpg"))


def test_the_pictures_are_in_the_page(html, row, picture):
    text = html(row(before=picture("blue")))

    held = re.search(r'id="before-1">([^<]*)<', text)[1]
    assert base64.b64decode(held) == picture("blue").data


def test_linked_pictures_are_not(html, row):
    text = html(row(before=Picture("a.jpg"), after=Picture("b.jpg")))

    assert 'data-link="a.jpg"' in text
    assert "text/plain" not in text
    assert "img-src 'self' file: blob:;" in policy(text)


def test_numbers_are_those_of_the_measures(html):
    text = re.sub(r"<[^>]+>", "", html())

    assert "Brightness\n40 → before, after:  50 %" in text
    assert "Sharpness\n\N{MINUS SIGN}3 %" in text


@pytest.mark.parametrize(
    ("measure", "shown"),
    [
        (Measure("m", None, 2.4), "+2"),
        (Measure("m", None, -0.2), "0"),
        (Measure("m", None, float("nan")), "\N{EN DASH}"),
        (Measure("m", 1.0, 2.25, 1, " %"), "2.2 %"),
    ],
)
def test_a_number_is_written_as_people_do(html, row, measure, shown):
    text = html(replace(row(), measures=(measure,)))

    assert f">{shown}</dd>" in text.replace("</span> ", "</span>>")


def test_failures_and_their_reasons_are_listed(html):
    text = html(failures=(Failure("b.jpg", "damaged, cut short", "Copy it again."),))

    assert "1 not shown" in text
    assert "b.jpg</bdi> <span>damaged, cut short</span>" in text
    assert "Copy it again." in text


def test_without_failures_nobody_is_told_of_any(html):
    assert "Not shown" not in html()


def test_averages_leave_out_what_could_not_be_measured(row):
    rows = [
        replace(row(), measures=(Measure("a", before, after),))
        for before, after in ((1.0, float("nan")), (3.0, 5.0))
    ]

    assert averages(tuple(rows)) == (Measure("a", 2.0, 5.0),)


def test_a_page_of_failures_alone_can_be_made(html):
    text = b"".join(render(Report("t", (), (Failure("a", "b"),)))).decode()

    assert "0 photos" in text
    assert 'type="search"' not in text
