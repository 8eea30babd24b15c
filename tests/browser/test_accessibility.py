"""No page has a serious or critical finding by axe-core (WCAG 2, A and AA), in light and dark."""

import pytest
from axe_selenium_python import Axe
from django.contrib.auth.models import User
from django.utils import timezone

from tests.admin.conftest import LIST, row
from tests.browser.base import BrowserTest

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
WORST = ("serious", "critical")


class AccessibilityTest(BrowserTest):
    def setUp(self):
        super().setUp()
        self.root = User.objects.create_superuser("root", "root@example.com", "right")
        self.entry = row(
            "auth.login.failure",
            at=timezone.now(),
            user_id=self.root.pk,
            username="root",
            ip_address="203.0.113.7",
            metadata={"reason": "invalid_password"},
        )
        self.browser.get(self.live_server_url + LIST)
        self.sign_in()

    def findings(self, path, scheme):
        self.colours(scheme)
        self.browser.get(self.live_server_url + path)
        self.find("main")
        axe = Axe(self.browser)
        axe.inject()
        return [
            f"{scheme} {path}: {found['id']}: {node['html']}"
            for found in axe.run(options=RULES)["violations"]
            if found["impact"] in WORST
            for node in found["nodes"]
        ]

    def test_everybody_can_use_the_pages(self):
        entry = f"{LIST}{self.entry.pk}/change/"
        pages = (
            LIST,
            f"{LIST}?q=nobody",
            entry,
            f"{LIST}investigate/account/?of={self.root.pk}",
            f"{LIST}dashboard/",
            "/security/",
            f"/security/not-me/{self.entry.pk}/",
            "/security/not-me/done/",
        )
        assert [
            found
            for scheme in ("light", "dark")
            for path in pages
            for found in self.findings(path, scheme)
        ] == []
