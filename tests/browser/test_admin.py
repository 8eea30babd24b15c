"""The admin in a real browser: what only layout, styles and scripts can break."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.admin.conftest import LIST, row
from tests.browser.base import WAIT, WIDER_THAN_THE_WINDOW, BrowserTest

pytestmark = pytest.mark.browser


class AdminTest(BrowserTest):
    def setUp(self):
        super().setUp()
        User.objects.create_superuser("root", "root@example.com", "right")
        self.bob = User.objects.create_user("bob", "bob@example.com", "right")

    def filter_by(self, choice):
        self.go(self.link(choice, within="#changelist-filter").click)

    def column(self, name):
        self.find("#result_list")
        cells = self.browser.find_elements(By.CSS_SELECTOR, f"#result_list .field-{name}")
        return [cell.text for cell in cells]

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

        self.unfold_by_key(".authaudit-family[data-filter-title='event auth']")
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

    def test_what_is_filtered_is_downloaded(self):
        row("auth.login.failure", at=timezone.now() - timedelta(days=3), username="=bob")
        kept = TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        allowed = {"behavior": "allow", "downloadPath": kept.name}
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        self.browser.get(self.live_server_url + f"{LIST}?event=auth.login.failure")
        self.sign_in()

        self.find(".object-tools a[href*='export/csv']").click()

        found = WebDriverWait(self.browser, WAIT).until(lambda _: [*Path(kept.name).glob("*.csv")])
        header, *lines = found[0].read_text(encoding="utf-8").splitlines()
        assert header.startswith("created_at,")
        assert len(lines) == 1
        assert ",'=bob," in lines[0]
        self.expect_a_quiet_console()

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
