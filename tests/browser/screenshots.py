"""The pictures of the documentation: ``make screenshots`` takes them anew.

It is a test by its tools only, and collected by its name alone.
"""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.admin.conftest import LIST, empty_the_log, row
from tests.browser.base import BrowserTest

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PEOPLE = ("ada", "alan", "edsger", "grace", "linus", "margaret")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/604.1",
)
ROLE = {"role": {"kind": "group", "name": "editors"}}


def a_week(accounts, root):
    """Store office hours, a guesser on the last night, a role and a second factor."""
    some = random.Random(7)
    now = timezone.localtime().replace(minute=7, second=0, microsecond=0)
    for hours in range(24 * 7, 0, -1):
        moment = now - timedelta(hours=hours)
        busy = moment.weekday() < 5 and 7 <= moment.hour < 19
        for _ in range(some.randrange(3, 9) if busy else some.randrange(2)):
            user = some.choice(accounts)
            act(user, moment + timedelta(seconds=some.randrange(3000)), some)
    guessed, attack = accounts[3], now - timedelta(hours=9)
    for n in range(40):
        row(
            "auth.login.failure",
            at=attack + timedelta(seconds=20 * n),
            username=some.choice(("admin", "root", guessed.username)),
            user_id=None if n % 3 else guessed.pk,
            ip_address="198.51.100.23",
            user_agent="python-requests/2.32",
            metadata={"reason": "unknown_user" if n % 3 else "invalid_password"},
            method="POST",
            path="/accounts/login/",
        )
    own = {"user_id": guessed.pk, "username": guessed.username, "ip_address": "203.0.113.14"}
    acts = {**own, "actor_id": guessed.pk, "actor_username": guessed.username}
    factor = {"via": "django_otp", "kind": "totp", "factor": 4}
    by_root = {**own, "actor_id": root.pk, "actor_username": "root"}
    row("authz.role.granted", at=now - timedelta(hours=5), metadata=ROLE, **by_root)
    row("auth.mfa.enrolled", at=now - timedelta(hours=4), metadata=factor, **acts)


def act(user, moment, some):
    """Store one thing that `user` does."""
    event = some.choice(["auth.login.success"] * 5 + ["auth.logout"] * 3 + ["auth.login.failure"])
    done = event != "auth.login.failure"
    row(
        event,
        at=moment,
        user_id=user.pk,
        username=user.username,
        actor_id=user.pk if done else None,
        actor_username=user.username if done else "",
        ip_address=f"203.0.113.{11 + user.pk % 6}",
        user_agent=AGENTS[user.pk % 2],
        session_ref=f"{user.pk:032x}",
        method="POST",
        path="/accounts/logout/" if event == "auth.logout" else "/accounts/login/",
        metadata={} if done else {"reason": "invalid_password"},
    )


class Screenshots(BrowserTest):
    """Takes them."""

    def test_they_are_taken(self):
        """Show the list, the dashboard, an account, and what its owner sees."""
        root = User.objects.create_superuser("root", "root@example.com", "right")
        accounts = [User.objects.create_user(name, "", "right") for name in PEOPLE]
        empty_the_log()
        a_week(accounts, root)
        self.browser.get(self.live_server_url + "/admin/")
        self.sign_in()
        self.take("admin-list", LIST)
        self.take("admin-dashboard", f"{LIST}dashboard/?period=week", height=1700)
        self.take("admin-account", f"{LIST}investigate/account/?of={accounts[3].pk}")
        self.colours("dark")
        self.take("admin-dashboard-dark", f"{LIST}dashboard/?period=week", height=1700)
        self.colours("light")
        self.browser.delete_all_cookies()
        self.browser.get(self.live_server_url + "/security/")
        self.sign_in(username=accounts[3].username)
        self.take("account-activity", "/security/", height=900)

    def take(self, name, path, height=1000):
        self.browser.set_window_size(1440, height)
        self.addCleanup(self.browser.set_window_size, 1440, 1000)
        self.browser.get(self.live_server_url + path)
        self.find("main")
        assert self.browser.save_screenshot(str(IMAGES / f"{name}.png"))
