"""Entries as records of the OWASP Logging Vocabulary."""

import re
from pathlib import Path

import pytest

from django_authaudit import events
from django_authaudit.formats import owasp
from tests.formats.samples import CODES, GROUP, each_event, sample, variants

DOCS = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
# fmt: off
VOCABULARY = {
    "authn_login_success", "authn_login_successafterfail", "authn_login_fail",
    "authn_login_fail_max", "authn_login_lock", "authn_password_change",
    "authn_password_change_fail", "authn_impossible_travel", "authn_token_created",
    "authn_token_revoked", "authn_token_reuse", "authn_token_delete", "authz_fail",
    "authz_change", "authz_admin", "crypt_decrypt_fail", "crypt_encrypt_fail",
    "excess_rate_limit_exceeded", "excess_sessions_exceeded", "upload_complete",
    "upload_stored", "upload_validation", "upload_delete", "input_validation_fail",
    "input_validation_discrete_fail", "malicious_excess_404", "malicious_extraneous",
    "malicious_attack_tool", "malicious_sqli", "malicious_cors", "malicious_direct_reference",
    "malicious_csrf", "malicious_csp_violation", "mcp_prompt_injection",
    "mcp_resource_exhaustion", "mcp_tool_poisoning", "privilege_permissions_changed",
    "sensitive_create", "sensitive_read", "sensitive_update", "sensitive_delete",
    "sequence_fail", "session_created", "session_renewed", "session_expired", "session_logout",
    "session_use_after_expire", "sys_startup", "sys_shutdown", "sys_restart", "sys_crash",
    "sys_monitor_disabled", "sys_monitor_enabled", "user_created", "user_updated",
    "user_archived", "user_deleted",
}
# fmt: on


@pytest.mark.parametrize("event", [*events.registered()], ids=lambda event: event.code)
def test_what_an_event_is_called_stands_in_the_vocabulary(event):
    assert not event.owasp or event.owasp in VOCABULARY & owasp.VOCABULARY.keys()


def test_each_name_of_the_vocabulary_is_used_or_the_docs_say_why_not():
    section = DOCS.read_text(encoding="utf-8").partition("## `owasp`")[2].partition("\n## ")[0]
    names = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    explained = set(re.findall(r"`(\w+)`", "".join(names)))

    assert len(VOCABULARY) == 57
    assert explained == VOCABULARY - owasp.VOCABULARY.keys()


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        (sample(events.LOGIN_FAILURE), "authn_login_fail:bob"),
        (sample(events.LOGIN_FAILURE, username="", email="", user_id=None), "authn_login_fail"),
        (sample(events.ROLE_GRANTED, metadata={"role": GROUP}), "authz_change:bob,,editors"),
        (sample(events.FORBIDDEN), "authz_fail:bob,/accounts/7/"),
        (
            sample(events.CSRF_REJECTED, actor_id=None, actor_username=""),
            "malicious_csrf:203.0.113.9",
        ),
        (sample(events.ACCOUNT_CREATED), "user_created:ada,bob"),
        (sample(events.PASSWORD_RESET_REQUESTED), "auth.password_reset.requested:bob"),
        (sample(events.ACCOUNT_LOCKED), "authn_login_lock:bob,too_many_failures"),
    ],
)
def test_an_event_has_its_arguments(entry, event):
    assert owasp.to_dict(entry)["event"] == event


def test_an_argument_is_given_back_whatever_it_holds():
    for entry in (entry for code in CODES for entry in variants(code)):
        name, arguments = owasp.parse(owasp.to_dict(entry)["event"])
        assert ":" not in name
        assert len(arguments) <= 3
    entry = sample(events.LOGIN_FAILURE, username="a,b:c%2Cd")
    assert owasp.parse(owasp.to_dict(entry)["event"]) == ("authn_login_fail", ["a,b:c%2Cd"])
    assert owasp.parse("authn_login_fail") == ("authn_login_fail", [])


@each_event
def test_a_record_has_the_fields_of_the_vocabulary(code):
    record = owasp.to_dict(sample(code))

    assert record.keys() == {
        *("datetime", "appid", "event", "level", "description", "useragent", "source_ip"),
        *("request_uri", "request_method"),
    }
    assert record["level"] in {"INFO", "WARN", "CRITICAL"}
    assert record["datetime"] == "2025-11-13T07:46:44.608+00:00"
