"""The page in a real browser."""

import time

import pytest

from photoenhance.report.rows import Failure, Picture

webdriver = pytest.importorskip("selenium.webdriver")
Keys = webdriver.Keys

PHONE = (390, 844)
NAME = '<script>document.title="owned"</script>"><img src=x onerror=alert(1)>.jpg'
SHOWN = "document.querySelectorAll('img.shown').length"


def line_of(browser):
    return float(browser.style(".compare", "--at").rstrip("%"))


def drag(browser, start, end, selector=".sides"):
    """Drag from one part of an element to another; parts as shares of its sides."""
    left, top, width, height = browser.box(selector)
    (x, y), (to_x, to_y) = ((left + a * width, top + b * height) for a, b in (start, end))
    chain = webdriver.ActionChains(browser.driver, duration=20)
    chain.w3c_actions.pointer_action.move_to_location(int(x), int(y)).pointer_down()
    chain.w3c_actions.pointer_action.move_to_location(int((x + to_x) / 2), int((y + to_y) / 2))
    chain.w3c_actions.pointer_action.move_to_location(int(to_x), int(to_y)).pointer_up()
    chain.perform()


def transforms(browser):
    return browser.js(
        "return [...document.querySelectorAll('.compare')[0].querySelectorAll('img')]"
        ".map(image => getComputedStyle(image).transform)"
    )


def test_dragging_the_line_shows_more_of_one_picture_and_less_of_the_other(opened):
    browser = opened()
    before = browser.style(".side.after", "clip-path")

    drag(browser, (0.5, 0.5), (0.8, 0.5))

    assert line_of(browser) == pytest.approx(80, abs=1)
    assert browser.style(".side.after", "clip-path") != before
    assert browser.js("return document.querySelector('.position').value") == "80"
    left, _, width, _ = browser.box(".sides")
    line = browser.box(".line")
    assert line[0] + line[2] / 2 == pytest.approx(left + 0.8 * width, abs=width * 0.01)


def test_a_click_brings_the_line_there(opened):
    browser = opened()

    drag(browser, (0.1, 0.2), (0.1, 0.2))

    assert line_of(browser) == pytest.approx(10, abs=1)


@pytest.mark.parametrize(
    ("key", "place"), [(Keys.RIGHT, 51), (Keys.LEFT, 49), (Keys.HOME, 0), (Keys.END, 100)]
)
def test_keys_move_the_line(opened, key, place):
    browser = opened()

    browser.find(".position").send_keys(key)

    assert line_of(browser) == place
    assert browser.find(".position").get_attribute("aria-valuetext") == f"{place} % before"


def test_the_tab_key_reaches_the_slider_and_shows_where_it_is(opened):
    browser = opened()
    browser.find("[type=search]").send_keys(Keys.TAB)

    focused = browser.js("return document.activeElement.className")

    assert focused == "position"
    assert browser.style(".handle", "outline-style") == "solid"


def test_a_finger_moves_the_line(opened):
    browser = opened(window=PHONE)
    browser.js("document.querySelector('.sides').scrollIntoView({block: 'center'})")
    left, top, width, height = browser.box(".sides")
    y = top + height / 2

    browser.touch([(left + 0.5 * width, y)], [(left + 0.4 * width, y)], [(left + 0.2 * width, y)])

    assert browser.wait_for(
        "Math.abs(parseFloat(document.querySelector('.compare').style.getPropertyValue('--at'))"
        " - 20) < 2"
    )


def test_a_finger_that_swipes_up_scrolls_the_page_and_leaves_the_line(opened, row):
    browser = opened(row(), row("b.jpg"), window=PHONE)
    left, top, width, height = browser.box(".sides")

    x, y = left + width / 4, top + height / 2
    browser.touch(*([(x, y - 25 * step)] for step in range(10)))

    assert browser.wait_for("scrollY > 150")
    assert line_of(browser) == 50


def test_two_fingers_zoom_both_pictures_alike(opened):
    browser = opened(window=PHONE)
    browser.js("document.querySelector('.sides').scrollIntoView({block: 'center'})")
    left, top, width, height = browser.box(".sides")
    y = top + height / 2
    fingers = [[(left + (0.5 - a) * width, y), (left + (0.5 + a) * width, y)] for a in (0.1, 0.2)]

    browser.touch(*fingers)

    before, after = transforms(browser)
    assert before == after
    assert browser.find(".zoom").text == "200 %"
    assert line_of(browser) == pytest.approx(50, abs=11)


def test_zoom_and_pan_move_both_pictures_in_step(opened):
    browser = opened()
    whole = transforms(browser)[0]

    browser.find("[data-do=in]").click()
    zoomed = transforms(browser)
    drag(browser, (0.8, 0.5), (0.7, 0.4))
    panned = transforms(browser)

    assert zoomed[0] == zoomed[1] != whole
    assert panned[0] == panned[1] != zoomed[0]
    assert line_of(browser) == 50


def test_keys_zoom_and_pan_and_go_back(opened):
    browser = opened()
    slider = browser.find(".position")
    whole = transforms(browser)

    slider.send_keys("++")
    zoomed = transforms(browser)
    slider.send_keys(Keys.SHIFT, Keys.RIGHT)
    panned = transforms(browser)
    slider.send_keys("0")

    assert zoomed != whole
    assert panned != zoomed
    assert transforms(browser) == whole
    assert line_of(browser) == 50


def test_a_zoomed_picture_never_leaves_its_frame(opened):
    browser = opened()
    browser.find("[data-do=in]").click()

    drag(browser, (0.1, 0.1), (0.9, 0.9))

    image, frame = browser.box("img"), browser.box(".side")
    assert image[0] <= frame[0]
    assert image[1] <= frame[1]


def test_the_wheel_with_ctrl_zooms_and_without_it_scrolls(opened, row):
    browser = opened(*(row(f"{number}.jpg") for number in range(12)))
    left, top, width, height = browser.box(".sides")
    at = {"type": "mouseWheel", "x": left + width / 2, "y": top + height / 2, "deltaX": 0}

    browser.command("Input.dispatchMouseEvent", **at, deltaY=-200, modifiers=2)
    assert browser.wait_for("document.querySelector('.zoom').textContent !== '100 %'")

    browser.command("Input.dispatchMouseEvent", **at, deltaY=300)
    assert browser.wait_for("scrollY > 0")


def test_full_screen_fills_the_window_and_keeps_the_shape(opened):
    browser = opened()

    browser.find("[data-do=full]").click()

    assert browser.wait_for("document.fullscreenElement?.className === 'compare'")
    _, _, width, height = browser.box(".sides")
    assert width / height == pytest.approx(1.5, abs=0.01)
    assert height > 600
    browser.find("[data-do=full]").click()
    assert browser.wait_for("!document.fullscreenElement")


def test_side_by_side_shows_both_pictures_whole(opened):
    browser = opened()

    browser.js("document.querySelector('[value=pair]').click()")

    before, after = browser.box(".side.before"), browser.box(".side.after")
    assert before[0] + before[2] <= after[0]
    assert browser.style(".side.after", "clip-path") == "none"
    assert browser.style(".line", "display") == "none"


def test_finding_by_name_hides_the_others(opened, row):
    browser = opened(row("beach.jpg"), row("Forest.jpg"), row("forest-2.jpg"))

    browser.find("[type=search]").send_keys("forest")

    names = [e.text for e in browser.driver.find_elements("css selector", ".name") if e.text]
    assert names == ["Forest.jpg", "forest-2.jpg"]
    assert browser.find(".found").text == "2 of 3"


@pytest.mark.parametrize("window", [(1280, 900), PHONE])
def test_nothing_is_said_on_the_console_and_nothing_leaves_the_file(opened, row, window):
    browser = opened(row(), row("b.jpg"), window=window)
    assert browser.wait_for(f"{SHOWN} === 4")

    browser.find("[data-do=in]").click()
    browser.js("document.querySelector('[value=pair]').click()")

    assert browser.complaints() == []
    strangers = [u for u in browser.requests() if not u.startswith(("file:///", "blob:"))]
    assert strangers == []


def test_a_photo_named_like_a_script_is_only_a_name(opened, row):
    failure = Failure(NAME, NAME, NAME)
    browser = opened(
        row(NAME, facts=(NAME,), notes=(NAME,)),
        title=NAME, failures=(failure,), settings=((NAME, NAME),),
    )  # fmt: skip

    assert browser.wait_for(f"{SHOWN} === 2")
    assert browser.js("return document.title") == f"{NAME}: before and after"
    assert browser.find("article .name").text == NAME
    assert len(browser.driver.find_elements("css selector", "img")) == 2
    assert browser.complaints() == []


def test_what_slipped_in_would_not_run(opened, html, tmp_path):
    browser = opened()

    browser.js(
        "const s = document.createElement('script'); s.textContent = 'document.title = \"owned\"';"
        "document.body.append(s);"
        "const i = new Image(); i.src = 'https://example.org/a.png'; document.body.append(i);"
    )

    assert browser.js("return document.title") == "Holiday: before and after"
    assert sum("Content Security Policy" in line for line in browser.complaints()) >= 2


def test_500_photos_open_at_once_and_only_those_near_the_screen_are_loaded(opened, row):
    rows = [row(f"{number}.jpg") for number in range(500)]
    begun = time.monotonic()

    browser = opened(*rows)
    assert browser.wait_for(f"{SHOWN} > 0")

    assert time.monotonic() - begun < 20
    assert browser.js("return document.querySelectorAll('img[src]').length") < 60
    browser.js("document.querySelectorAll('.card')[400].scrollIntoView()")
    assert browser.wait_for("document.querySelectorAll('.card')[400].querySelector('img.shown')")


def test_linked_photos_are_shown_whatever_they_are_called(opened, row, picture, tmp_path):
    (tmp_path / "a b#%?ü'.webp").write_bytes(picture("blue").data)
    link = Picture("a%20b%23%25%3F%C3%BC%27.webp")

    browser = opened(row(before=link, after=link))

    assert browser.wait_for(f"{SHOWN} === 2")
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_no_width_makes_the_page_scroll_sideways(opened, row, width):
    settings = (("SHA-256 of the weights", "0123456789abcdef" * 4),)
    failures = (Failure("x" * 200 + ".jpg", "damaged"),)
    browser = opened(
        row("y" * 255), window=(width, 800), title="z" * 90, settings=settings, failures=failures
    )
    browser.js("document.querySelector('details').open = true")

    assert browser.js("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground_in_light_and_dark(opened, row, dark):
    browser = opened(row(notes=("a note",)), dark=dark, failures=(Failure("b", "c", "d"),))

    for selector in (".lead", ".facts", ".note", ".measures dt", ".before-value", ".hint", "h1"):
        ratio = browser.js(CONTRAST, selector)
        assert ratio >= 4.5, selector


CONTRAST = """
const light = color => {
  const [r, g, b] = color.match(/[\\d.]+/g).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};
const element = document.querySelector(arguments[0]);
let ground = element;
const clear = "rgba(0, 0, 0, 0)";
while (getComputedStyle(ground).backgroundColor === clear) ground = ground.parentElement;
const two = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(light);
return (Math.max(...two) + .05) / (Math.min(...two) + .05);
"""


def test_everything_that_can_be_used_or_seen_has_a_name(opened, row):
    browser = opened(row("beach.jpg"))
    browser.wait_for(f"{SHOWN} === 2")

    tree = browser.command("Accessibility.getFullAXTree")["nodes"]

    told = ("button", "slider", "searchbox", "radio", "image", "article", "group")
    nodes = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"] and node["role"]["value"] in told
    ]
    assert [role for role, name in nodes if not name] == []
    assert ("slider", "Line between before and after, beach.jpg") in nodes
    assert ("image", "beach.jpg, before") in nodes
    assert ("image", "Histogram of beach.jpg, after") in nodes
