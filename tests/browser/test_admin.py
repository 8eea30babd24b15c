"""The admin in a real browser: what only layout, styles and scripts can break."""

import os
import shutil
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.utils import timezone
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.admin.conftest import LIST, row

pytestmark = pytest.mark.browser

WAIT = 20
WIDER_THAN_THE_WINDOW = """
if (document.documentElement.scrollWidth <= window.innerWidth) return [];
return Array.from(document.querySelectorAll("body *"))
    .filter((e) => e.getBoundingClientRect().right > window.innerWidth)
    .map((e) => `${e.tagName} ${e.className}`);
"""
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--window-size=1440,1000",
)


def start_chromium():
    options = webdriver.ChromeOptions()
    for switch in SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


class AdminTest(StaticLiveServerTestCase):
    host = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = start_chromium()
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        User.objects.create_superuser("root", "root@example.com", "right")
        self.bob = User.objects.create_user("bob", "bob@example.com", "right")
        self.browser.delete_all_cookies()
        self.colours("light")

    def colours(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def find(self, selector):
        return WebDriverWait(self.browser, WAIT).until(
            lambda browser: browser.find_element(By.CSS_SELECTOR, selector)
        )

    def link(self, words, within):
        place = self.find(within)
        return WebDriverWait(self.browser, WAIT).until(
            lambda browser: place.find_element(By.LINK_TEXT, words)
        )

    def filter_by(self, choice):
        self.go(self.link(choice, within="#changelist-filter").click)

    def column(self, name):
        self.find("#result_list")
        cells = self.browser.find_elements(By.CSS_SELECTOR, f"#result_list .field-{name}")
        return [cell.text for cell in cells]

    def go(self, click):
        """Click, and wait for the page that it leads to."""
        page = self.find("html")
        click()
        WebDriverWait(self.browser, WAIT).until(lambda browser: self.find("html") != page)

    def sign_in(self, password="right"):
        name = self.find("#id_username")
        name.clear()
        name.send_keys("root")
        self.find("#id_password").send_keys(password)
        self.go(self.find("[type=submit]").click)

    def test_an_operator_signs_in_and_follows_a_failure(self):
        row(
            "auth.login.failure",
            at=timezone.now() - timedelta(days=3),
            user_id=self.bob.pk,
            username="bob",
            ip_address="203.0.113.7",
            metadata={"reason": "invalid_password"},
        )
        self.browser.get(self.live_server_url + LIST)
        self.sign_in("wrong")
        self.sign_in()

        # What the browser has just done stands on top.
        assert self.column("what")[:2] == ["Signed in", "Sign-in failed"]
        assert self.column("why")[1] == "wrong password"

        self.filter_by("✗ failure")
        assert set(self.column("result")) == {"✗ failure"}

        summary = self.find(".authaudit-family[data-filter-title='event auth'] > summary")
        summary.send_keys(Keys.ENTER)
        self.filter_by("Sign-in failed")
        self.filter_by("Last 7 days")
        assert self.column("who") == ["root", "bob"]

        self.find("#searchbar").send_keys("bob", Keys.ENTER)
        WebDriverWait(self.browser, WAIT).until(lambda browser: "q=bob" in browser.current_url)
        assert self.column("who") == ["bob"]

        self.go(self.find("#result_list .field-what a").click)
        assert "203.0.113.7" in self.find(".authaudit-sections").text
        self.go(self.link("All entries of this user", within=".authaudit-sections").click)
        assert set(self.column("who")) == {"bob"}
        self.expect_a_quiet_console()

    def test_a_range_is_chosen_in_the_sites_time(self):
        row(username="old", at=timezone.now() - timedelta(days=300))
        self.browser.get(self.live_server_url + LIST)
        self.sign_in()
        end = timezone.localtime() - timedelta(days=200)

        self.set_moment("[name=until]", end.strftime("%Y-%m-%dT%H:%M"))
        self.go(self.find(".authaudit-range button").click)

        assert self.column("who") == ["old"]
        assert (
            self.find("[name=until]").get_attribute("value").startswith(end.strftime("%Y-%m-%d"))
        )

    def set_moment(self, selector, value):
        self.browser.execute_script(
            "arguments[0].value = arguments[1]", self.find(selector), value
        )

    def test_hostile_values_neither_run_nor_break_the_layout(self):
        hostile = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
        entry = row(
            "auth.login.failure",
            username=hostile + "x" * 300,
            user_agent=hostile + "y" * 10_000,
            path="/" + hostile + "z" * 10_000,
            metadata={hostile: hostile, "reason": hostile},
        )
        self.browser.get(self.live_server_url + LIST)
        self.sign_in()
        for path in (LIST, f"{LIST}{entry.pk}/change/"):
            self.browser.get(self.live_server_url + path)
            self.find("#content")
            assert self.browser.execute_script("return window.hacked") is None
            assert self.browser.execute_script(WIDER_THAN_THE_WINDOW) == []

    def test_signs_of_success_and_failure_can_be_read_in_light_and_dark(self):
        row("auth.login.failure")
        self.browser.get(self.live_server_url + LIST)
        self.sign_in()
        for scheme in ("light", "dark"):
            self.colours(scheme)
            for look in ("success", "failure"):
                assert self.contrast(f"#result_list .authaudit-{look}") >= 4.5

    def contrast(self, selector):
        """Return the contrast of text and background by WCAG 2, section 1.4.3."""
        style = "return getComputedStyle(arguments[0])"
        element = self.find(selector)
        lights = sorted(
            luminance(self.browser.execute_script(f"{style}.{name}", element))
            for name in ("color", "backgroundColor")
        )
        return (lights[1] + 0.05) / (lights[0] + 0.05)

    def expect_a_quiet_console(self):
        messages = [entry["message"] for entry in self.browser.get_log("browser")]
        assert [m for m in messages if "favicon" not in m] == []


def luminance(colour):
    """Return the relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
