"""An app of a project, listed before ours, whose receivers raise when a test says so."""

from django.apps import AppConfig
from django.contrib.auth import signals as auth
from django.db.models import signals as models

SIGNALS = [
    auth.user_logged_in,
    auth.user_logged_out,
    auth.user_login_failed,
    models.post_save,
    models.post_delete,
    models.m2m_changed,
]


class RaisingConfig(AppConfig):
    name = "tests.raising"
    raises_on = None

    def ready(self):
        for signal in SIGNALS:
            signal.connect(self.on_signal)

    def on_signal(self, signal, action="post", **kwargs):
        if signal is self.raises_on and action.startswith("post"):
            raise RuntimeError("a receiver of another app")
