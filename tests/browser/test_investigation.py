"""Pages, pictures and investigations in a browser: by keyboard, in light and dark, and small."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.admin.conftest import LIST, row
from tests.browser.base import WIDER_THAN_THE_WINDOW, BrowserTest

pytestmark = pytest.mark.browser

DASHBOARD = f"{LIST}dashboard/"


def strict(get_response):
    """Send the strictest Content-Security-Policy that Django's admin itself works with."""

    def answer(request):
        response = get_response(request)
        policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
        response["Content-Security-Policy"] = f"{policy}; form-action 'self'"
        return response

    return answer


@override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, f"{__name__}.strict"])
class InvestigationTest(BrowserTest):
    def setUp(self):
        super().setUp()
        User.objects.create_superuser("root", "root@example.com", "right")
        self.bob = User.objects.create_user("bob", "bob@example.com", "right")
        now = timezone.now()
        for n in range(150):
            row(
                "auth.login.failure",
                at=now - timedelta(minutes=10 * n + 10),
                user_id=self.bob.pk,
                username="bob",
                ip_address=f"203.0.113.{n % 5}",
                user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Firefox/140.0",
                session_ref="s1",
                request_id=f"request{n}",
                metadata={"reason": "invalid_password"},
            )
        self.open(LIST)
        self.sign_in()

    def open(self, path):
        self.browser.get(self.live_server_url + path)

    def cells(self, selector):
        return [cell.text for cell in self.browser.find_elements(By.CSS_SELECTOR, selector)]

    def test_the_list_is_paged_and_jumped_in_by_keyboard(self):
        self.find("#result_list")
        first = self.cells("#result_list .field-when")
        self.go(lambda: self.link("Older", ".paginator").send_keys(Keys.ENTER))
        second = self.cells("#result_list .field-when")
        assert len(first) == 100
        assert 0 < len(second) < 100
        assert max(second) < min(first)

        self.go(lambda: self.link("Newer", ".paginator").send_keys(Keys.ENTER))
        assert self.cells("#result_list .field-when")[-1] == first[-1]

        moment = timezone.localtime() - timedelta(hours=12)
        self.browser.execute_script(
            "arguments[0].value = arguments[1]",
            self.find(".authaudit-jump [name=at]"),
            moment.strftime("%Y-%m-%dT%H:%M"),
        )
        self.go(lambda: self.find(".authaudit-jump button").send_keys(Keys.ENTER))
        assert self.cells("#result_list .field-when")[0] <= moment.strftime("%Y-%m-%d %H:%M:%S")
        self.expect_a_quiet_console()

    def test_a_bar_of_the_picture_leads_to_its_entries(self):
        self.open(DASHBOARD)
        bars = self.browser.find_elements(By.CSS_SELECTOR, ".authaudit-bars a")
        (bar, *_) = [bar for bar in bars if ", 6 failed" in bar.get_attribute("aria-label")]

        self.go(lambda: bar.send_keys(Keys.ENTER))

        assert "since=" in self.browser.current_url
        assert set(self.cells("#result_list .field-what")) == {"Sign-in failed"}
        assert len(self.cells("#result_list .field-what")) == 6
        self.expect_a_quiet_console()

    def test_an_account_is_investigated_from_its_own_page(self):
        self.open(f"/admin/auth/user/{self.bob.pk}/change/")
        self.go(self.find(".object-tools a[href*=investigate]").click)
        assert "Account bob" in self.find("#content h1").text
        assert "Failures since then\n150" in self.find(".authaudit-sections").text
        assert len(self.cells(".authaudit-timeline tbody tr")) == 50

        self.go(self.link("203.0.113.4", "#content-main").click)
        assert "Address 203.0.113.4" in self.find("#content h1").text
        self.go(self.link("same request", ".authaudit-timeline").click)
        assert len(self.cells(".authaudit-timeline tbody tr")) == 1
        self.expect_a_quiet_console()

    def test_pages_fit_a_telephone_and_a_desk_in_light_and_dark(self):
        self.addCleanup(self.browser.set_window_size, 1440, 1000)
        for width in (1440, 390):
            self.browser.set_window_size(width, 1000)
            for path in (LIST, DASHBOARD, f"{LIST}investigate/account/?of={self.bob.pk}"):
                self.open(path)
                self.find("#content")
                wide = self.browser.execute_script(WIDER_THAN_THE_WINDOW)
                assert wide == [], (width, path)
        for scheme in ("light", "dark"):
            self.colours(scheme)
            self.open(DASHBOARD)
            ground = self.style(".authaudit-overview", "backgroundColor")
            for look in ("success", "failure"):
                fill = self.style(f".authaudit-bar-{look}", "fill")
                assert fill != ground
            for shade in range(1, 6):
                if self.browser.find_elements(By.CSS_SELECTOR, f".authaudit-heat-{shade} a"):
                    assert self.style(f".authaudit-heat-{shade}", "backgroundColor") != ground
        self.expect_a_quiet_console()
