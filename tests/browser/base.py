"""A site in a real browser."""

import os
import shutil

from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

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


class BrowserTest(StaticLiveServerTestCase):
    host = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = start_chromium()
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.browser.delete_all_cookies()
        self.open_new_tab()
        self.colours("light")

    def open_new_tab(self):
        """Forget what another test has unfolded: the admin keeps it as long as a tab lives."""
        used = self.browser.current_window_handle
        self.browser.switch_to.new_window("tab")
        unused = self.browser.current_window_handle
        self.browser.switch_to.window(used)
        self.browser.close()
        self.browser.switch_to.window(unused)

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

    def go(self, click):
        """Click, and wait for the page that it leads to, and for its scripts."""
        page = self.find("html")
        click()
        wait = WebDriverWait(self.browser, WAIT)
        wait.until(lambda browser: self.find("html") != page)
        # The admin's own open and close what folds once all is there: no key may come before.
        wait.until(
            lambda browser: browser.execute_script("return document.readyState") == "complete"
        )

    def unfold_by_key(self, selector):
        fold = self.find(selector)
        summary = fold.find_element(By.CSS_SELECTOR, "summary")
        # A key that comes before the page listens is lost, so it is pressed until it was heard.
        WebDriverWait(self.browser, WAIT).until(
            lambda browser: fold.get_property("open") or summary.send_keys(Keys.ENTER)
        )

    def sign_in(self, password="right", *, username="root"):
        name = self.find("#id_username")
        name.clear()
        name.send_keys(username)
        self.find("#id_password").send_keys(password)
        self.go(self.find("form [type=submit], form button").click)

    def contrast(self, selector, *, on=None):
        """Return the contrast of text and background by WCAG 2, section 1.4.3."""
        lights = sorted(
            [
                luminance(self.style(selector, "color")),
                luminance(self.style(on or selector, "backgroundColor")),
            ]
        )
        return (lights[1] + 0.05) / (lights[0] + 0.05)

    def style(self, selector, name):
        script = f"return getComputedStyle(arguments[0]).{name}"
        return self.browser.execute_script(script, self.find(selector))

    def expect_a_quiet_console(self):
        messages = [entry["message"] for entry in self.browser.get_log("browser")]
        assert [m for m in messages if "favicon" not in m] == []


def luminance(colour):
    """Return the relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
