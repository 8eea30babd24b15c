"""The pages for the owner of an account in a real browser."""

import pytest
from django.contrib.auth.models import User
from selenium.webdriver.common.by import By

from django_authaudit.models import AuditLog
from tests.browser.base import WIDER_THAN_THE_WINDOW, BrowserTest
from tests.test_account_pages import is_signed_in, sign_in

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


class AccountPagesTest(BrowserTest):
    def setUp(self):
        super().setUp()
        User.objects.create_user("anna", "anna@example.com", PASSWORD)
        self.thief = sign_in(**{"User-Agent": "curl/8.1"})
        self.open("/security/")
        self.sign_in(PASSWORD, username="anna")

    def open(self, path):
        self.browser.get(self.live_server_url + path)

    def text(self):
        return self.find("main").text

    def test_an_owner_ends_a_session(self):
        assert "curl" in self.text()
        assert "this session" in self.text()

        self.go(self.find("form[action*='sessions/end/'] button").click)

        assert "1 session has been ended." in self.text()
        assert not is_signed_in(self.thief)
        self.expect_a_quiet_console()

    def test_an_owner_disputes_by_keyboard_alone(self):
        rows = self.browser.find_elements(By.CSS_SELECTOR, "tbody tr")
        (theirs,) = [row for row in rows if "curl" in row.text]
        self.go(lambda: theirs.find_element(By.LINK_TEXT, "This wasn't me").send_keys("\n"))
        assert "your password is taken away" in self.text()

        self.go(lambda: self.find("form[action*='not-me'] button").send_keys("\n"))

        assert "You are signed out everywhere" in self.text()
        assert AuditLog.objects.of_event("account.activity_disputed").count() == 1
        assert not is_signed_in(self.thief)

    def test_it_can_be_read_in_light_and_dark_and_on_a_telephone(self):
        for scheme in ("light", "dark"):
            self.colours(scheme)
            for part in ("main", ".authaudit-actions a", ".authaudit-outcome"):
                assert self.contrast(part, on=".authaudit-account") >= 4.5
        self.browser.set_window_size(390, 800)
        self.addCleanup(self.browser.set_window_size, 1440, 1000)
        assert self.browser.execute_script(WIDER_THAN_THE_WINDOW) == []
