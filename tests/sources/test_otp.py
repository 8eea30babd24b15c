"""Second factors by django-otp: devices, recovery codes, and every way to check a code."""

import re

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core import mail, serializers
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django_otp import devices_for_user, match_token, verify_token
from django_otp.forms import OTPTokenForm
from django_otp.plugins.otp_email.models import EmailDevice
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.views import LoginView

from django_authaudit.mechanisms import otp_devices
from django_authaudit.sources.otp import Source
from tests.devices.models import Batch, Pendant, Proxied
from tests.sources.one_time import (
    WRONG_CODE,
    add_codes,
    add_totp,
    code_facts,
    code_of,
    facts_of,
)
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success
from tests.views import acts

LOGIN, ACT = "POST /otp-login/", "GET /act/it/"
CODE, OTHER = "abcd2345", "efgh6723"


@pytest.fixture
def act(monkeypatch):
    return lambda it: monkeypatch.setitem(acts, "it", it)


@pytest.fixture
def device(bob, secrets, log):
    device = add_totp(bob, secrets)
    log.forget()
    return device


@pytest.fixture
def codes(bob, secrets, log):
    device = add_codes(bob, secrets, CODE, OTHER)
    log.forget()
    return device


def enrolled(user, device, **facts):
    return success("auth.mfa.enrolled", user=user, **{**facts_of(device), **facts})


def removed(user, facts, **more):
    return success("auth.mfa.removed", user=user, **facts, **more)


def passed(user, device, at, actor=None, **facts):
    facts = {**facts_of(device), **facts}
    return success("auth.mfa.challenge.success", user=user, actor=actor or user, at=at, **facts)


def refused(user, device, at, actor=None, reason="invalid_code", **facts):
    facts = {**facts_of(device), "reason": reason, **facts}
    return failure("auth.mfa.challenge.failure", user=user, actor=actor, at=at, **facts)


def used(user, device, at, actor=None):
    return success(
        "auth.mfa.recovery_code_used",
        user=user,
        actor=actor or user,
        at=at,
        **code_facts(device),
    )


def login(user, at=LOGIN):
    return success("auth.login.success", user=user, actor=user, at=at, backend=MODEL_BACKEND)


class TestDevice:
    def test_that_comes_into_being_is_enrolled(self, bob, secrets, log):
        device = add_totp(bob, secrets)

        assert log.new() == [enrolled(bob, device)]

    def test_of_each_kind_says_which(self, bob, log):
        device = EmailDevice.objects.create(user=bob, name="mail")

        assert log.new() == [enrolled(bob, device, kind="email")]

    def test_is_enrolled_when_it_is_confirmed(self, bob, secrets, log):
        device = add_totp(bob, secrets, confirmed=False)
        assert log.new() == []

        device.confirmed = True
        device.save()
        device.save()
        assert log.new() == [enrolled(bob, device)]

    def test_that_was_confirmed_elsewhere_is_enrolled_once(self, bob, secrets, log):
        device = add_totp(bob, secrets, confirmed=False)
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        device.refresh_from_db()
        device.save()

        assert log.new() == []

    def test_that_is_confirmed_no_longer_is_removed(self, bob, device, log):
        device.confirmed = False
        device.save(update_fields=["name"])
        assert log.new() == []

        device.save(update_fields=["confirmed"])
        assert log.new() == [removed(bob, facts_of(device))]

    def test_of_which_only_a_part_is_loaded_is_saved(self, device, log):
        part = TOTPDevice.objects.only("name").get()
        part.name = "new"
        part.save()

        assert log.new() == []

    def test_that_is_deleted_is_removed(self, bob, device, log):
        facts = facts_of(device)
        device.delete()

        assert log.new() == [removed(bob, facts)]

    def test_deleted_with_others_is_an_entry_of_its_own(self, bob, device, secrets, log):
        other = add_totp(bob, secrets, name="other")
        log.forget()
        TOTPDevice.objects.all().delete()

        assert sorted(row["metadata"]["factor"] for row in log.new()) == [device.pk, other.pk]

    def test_that_was_never_in_use_is_deleted_without_an_entry(self, bob, secrets, log):
        add_totp(bob, secrets, confirmed=False).delete()

        assert log.new() == []

    def test_that_goes_with_its_account_is_part_of_that(
        self, bob, device, codes, alice, secrets, log
    ):
        add_codes(alice, secrets, CODE)
        log.forget()
        bob.delete()
        get_user_model().objects.filter(username="alice").delete()

        assert [row["event"] for row in log.new()] == ["account.deleted", "account.deleted"]

    def test_that_goes_with_something_else_is_removed(self, bob, secrets, log):
        device = add_totp(bob, secrets, Pendant, batch=Batch.objects.create())
        log.forget()
        facts = facts_of(device)
        device.batch.delete()

        assert log.new() == [removed(bob, facts)]

    def test_that_goes_with_something_else_as_its_account_does_is_part_of_that(
        self, as_root, bob, secrets, log, act
    ):
        device = add_totp(bob, secrets, Pendant, batch=Batch.objects.create())
        log.forget()

        def delete(request):
            device.batch.delete()
            bob.delete()

        act(delete)
        as_root.get("/act/it/")

        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_by_a_proxy_is_the_same(self, bob, secrets, log):
        device = add_totp(bob, secrets, Proxied)
        facts = facts_of(device)
        device.delete()

        assert log.new() == [enrolled(bob, device, factor=facts["factor"]), removed(bob, facts)]

    def test_with_a_table_of_its_own_is_one_entry_each_time(self, bob, secrets, log):
        device = add_totp(bob, secrets, Pendant, batch=Batch.objects.create())
        facts = facts_of(device)
        device.delete()

        assert log.new() == [
            enrolled(bob, device, kind="pendant", factor=facts["factor"]),
            removed(bob, facts),
        ]

    def test_of_a_fixture_is_nothing(self, device, codes, log):
        tokens = codes.token_set.all()
        data = serializers.serialize("json", [device, codes, *tokens])
        for thing in [*tokens, device, codes]:
            thing.delete()
        log.forget()
        for loaded in serializers.deserialize("json", data):
            loaded.save()

        assert log.new() == []

    def test_whose_making_is_undone_says_so(self, bob, log):
        with pytest.raises(RuntimeError), transaction.atomic():
            TOTPDevice.objects.create(user=bob, name="lost", key="00" * 20)
            raise RuntimeError
        log_again(bob)

        [row, _] = log.new()
        assert (row["event"], row["outcome"]) == ("auth.mfa.enrolled", "failure")
        assert row["metadata"]["rolled_back"] is True

    def test_made_by_another_in_the_admin_names_both(self, as_root, root, bob, log, secrets):
        key = "ab" * 20
        secrets.learn(key)
        facts = {"user": bob.pk, "name": "new", "key": key, "step": 30, "t0": 0, "digits": 6}
        facts |= {"tolerance": 1, "drift": 0, "last_t": -1, "throttling_failure_count": 0}
        facts |= {"confirmed": "on"}
        answer = as_root.post("/admin/otp_totp/totpdevice/add/", facts)
        assert answer.status_code == 302
        device = TOTPDevice.objects.get()
        at = f"/admin/otp_totp/totpdevice/{device.pk}/delete/"
        as_root.post(at, {"post": "yes"})

        assert log.new() == [
            success(
                "auth.mfa.enrolled",
                user=bob,
                actor=root,
                at="POST /admin/otp_totp/totpdevice/add/",
                **facts_of(device),
            ),
            success("auth.mfa.removed", user=bob, actor=root, at=f"POST {at}", **facts_of(device)),
        ]


def log_again(user):
    """Come to the next safe point, at which what was undone is written."""
    EmailDevice.objects.create(user=user, name="again")


def generated(user, device, codes, **facts):
    facts = {**code_facts(device, codes=codes), **facts}
    return success("auth.mfa.recovery_codes_generated", user=user, **facts)


class TestRecoveryCodes:
    def test_made_in_one_request_are_one_entry(self, as_bob, bob, log, act):
        def make(request):
            device = StaticDevice.objects.create(user=request.user, name="backup")
            for number in range(10):
                device.token_set.create(token=f"code-{number}")

        act(make)
        as_bob.get("/act/it/")

        [row] = log.new()
        assert (row["event"], row["actor"]) == ("auth.mfa.recovery_codes_generated", bob.pk)
        assert row["metadata"] == code_facts(StaticDevice.objects.get(), codes=10)

    @pytest.mark.django_db(transaction=True)
    def test_made_in_one_transaction_are_one_entry(self, bob, log):
        with transaction.atomic():
            device = StaticDevice.objects.create(user=bob, name="backup")
            for number in range(3):
                device.token_set.create(token=f"code-{number}")
            assert log.new() == []

        assert log.new() == [generated(bob, device, 3)]

    def test_made_one_by_one_are_an_entry_each(self, bob, log):
        device = StaticDevice.objects.create(user=bob, name="backup")
        device.token_set.create(token="code-1")
        device.token_set.create(token="code-2")

        assert log.new() == [generated(bob, device, 1)] * 2

    @pytest.mark.django_db(transaction=True)
    def test_made_before_a_request_and_in_it_are_an_entry_each(self, client, bob, log, act):
        device = StaticDevice.objects.create(user=bob, name="backup")
        act(lambda request: device.token_set.create(token="code-2") and None)
        with transaction.atomic():
            device.token_set.create(token="code-1")
            client.get("/act/it/")

        assert [row["metadata"]["codes"] for row in log.new()] == [1, 1]

    def test_that_are_changed_are_not_made(self, codes, log):
        codes.token_set.first().save()

        assert log.new() == []

    def test_of_two_accounts_are_an_entry_each(self, bob, alice, log, act, as_root):
        def make(request):
            for user in (bob, alice):
                device = StaticDevice.objects.create(user=user, name="backup")
                device.token_set.create(token="code-1")
                device.token_set.create(token="code-2")

        act(make)
        as_root.get("/act/it/")

        assert [(row["username"], row["metadata"]["codes"]) for row in log.new()] == [
            ("bob", 2),
            ("alice", 2),
        ]

    def test_made_by_a_command_name_it(self, bob, log, secrets):
        secrets.learn(CODE)
        call_command("addstatictoken", "bob", token=CODE)

        device = StaticDevice.objects.get()
        assert log.new() == [generated(bob, device, 1, command="addstatictoken")]

    def test_made_anew_are_one_entry(self, as_bob, codes, log, act):
        def make(request):
            codes.token_set.all().delete()
            codes.token_set.create(token="code-1")
            codes.token_set.create(token="code-2")

        act(make)
        as_bob.get("/act/it/")

        assert [(row["event"], row["metadata"]["codes"]) for row in log.new()] == [
            ("auth.mfa.recovery_codes_generated", 2)
        ]

    def test_that_vanish_with_their_device_are_part_of_that(self, bob, codes, log):
        facts = facts_of(codes, "recovery_codes")
        codes.delete()

        assert log.new() == [removed(bob, facts, codes=2)]

    def test_that_are_none_make_no_device(self, bob, log):
        StaticDevice.objects.create(user=bob, name="backup").delete()

        assert log.new() == []


class TestPasswordAndCodeInOneForm:
    @pytest.fixture(params=["/otp-login/", "/otp-admin/login/"])
    def url(self, request, bob, log):
        bob.is_staff = True
        bob.save()
        log.forget()
        return request.param

    @pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
    def atomic(self, request, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)

    @pytest.fixture
    def attempt(self, client, url):
        def attempt(password=PASSWORD, device=None, code="", **facts):
            facts |= {"username": "bob", "password": password, "otp_token": code}
            facts["otp_device"] = device.persistent_id if device is not None else ""
            return client.post(url, facts)

        return attempt

    def test_the_right_code_is_a_challenge_passed_and_a_login(
        self, attempt, url, bob, device, secrets, log
    ):
        assert attempt(device=device, code=code_of(device, secrets)).status_code == 302

        at = f"POST {url}"
        assert log.new() == [passed(bob, device, at), login(bob, at)]

    def test_a_wrong_code_is_a_failed_login(self, attempt, url, bob, device, log):
        assert attempt(device=device, code=WRONG_CODE).status_code == 200

        at = f"POST {url}"
        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at, reason="mfa", **facts_of(device))
        ]

    def test_a_code_too_soon_after_a_wrong_one_is_a_failed_login(
        self, attempt, url, bob, device, log, settings, secrets
    ):
        settings.OTP_TOTP_THROTTLE_FACTOR = 1000
        attempt(device=device, code=WRONG_CODE)
        attempt(device=device, code=code_of(device, secrets))

        facts = {"user": bob, "at": f"POST {url}", **facts_of(device)}
        assert log.new() == [
            failure("auth.login.failure", reason="mfa", **facts),
            failure("auth.login.failure", reason="throttled", **facts),
        ]

    def test_a_recovery_code_is_used_up_and_a_login(self, attempt, url, bob, codes, log):
        attempt(device=codes, code=CODE)

        at = f"POST {url}"
        assert log.new() == [used(bob, codes, at), login(bob, at)]

    def test_a_recovery_code_is_good_once(self, attempt, url, bob, codes, log):
        attempt(device=codes, code=CODE)
        log.forget()
        attempt(device=codes, code=CODE)

        [row] = log.new()
        assert row["metadata"] == {"reason": "mfa", **facts_of(codes, "recovery_codes")}

    @pytest.mark.parametrize(
        "facts", [{}, {"code": WRONG_CODE}, {"otp_challenge": "1"}], ids=["code", "device", "none"]
    )
    def test_the_password_alone_is_nothing(self, attempt, device, log, facts):
        assert attempt(**facts).status_code == 200

        assert log.new() == []

    def test_a_device_of_another_account_is_none(self, attempt, alice, device, secrets, log):
        other = add_totp(alice, secrets)
        log.forget()
        attempt(device=other, code=code_of(other, secrets))

        assert log.new() == []

    def test_a_code_that_is_sent_is_nothing_until_it_comes_back(
        self, attempt, url, bob, secrets, log
    ):
        device = EmailDevice.objects.create(user=bob, name="mail")
        log.forget()
        attempt(device=device, otp_challenge="1")
        assert log.new() == []

        code = re.search(r"\d{6}", mail.outbox[0].body)[0]
        secrets.add(code)
        attempt(device=device, code=code)
        at = f"POST {url}"
        assert log.new() == [passed(bob, device, at, kind="email"), login(bob, at)]

    def test_a_wrong_password_is_that(self, attempt, url, bob, device, log):
        attempt(WRONG, device, WRONG_CODE)

        at = f"POST {url}"
        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at, reason="invalid_password")
        ]


def test_the_admin_refuses_who_is_not_staff_before_it_looks_at_the_code(
    client, bob, device, log, secrets
):
    facts = {"username": "bob", "password": PASSWORD, "otp_token": code_of(device, secrets)}
    client.post("/otp-admin/login/", {**facts, "otp_device": device.persistent_id})

    assert [row["metadata"]["reason"] for row in log.new()] == ["not_permitted"]


class TestCodeOfWhoIsSignedIn:
    @pytest.fixture
    def attempt(self, as_bob):
        return lambda device, code: as_bob.post(
            "/otp-login/", {"otp_device": device.persistent_id, "otp_token": code}
        )

    def test_is_a_challenge_passed_and_no_second_login(self, attempt, bob, device, secrets, log):
        assert attempt(device, code_of(device, secrets)).status_code == 302

        assert log.new() == [passed(bob, device, LOGIN)]

    def test_is_a_challenge_failed_if_it_is_wrong(self, attempt, bob, device, log):
        attempt(device, WRONG_CODE)

        assert log.new() == [refused(bob, device, LOGIN, bob)]

    def test_is_a_challenge_failed_if_it_comes_too_soon(
        self, attempt, bob, device, secrets, log, settings
    ):
        settings.OTP_TOTP_THROTTLE_FACTOR = 1000
        attempt(device, WRONG_CODE)
        attempt(device, code_of(device, secrets))

        assert log.new() == [
            refused(bob, device, LOGIN, bob),
            refused(bob, device, LOGIN, bob, "throttled"),
        ]

    def test_is_nothing_until_it_is_typed(self, attempt, device, log):
        attempt(device, "")

        assert log.new() == []

    def test_may_be_a_recovery_code(self, attempt, bob, codes, log):
        attempt(codes, CODE)

        assert log.new() == [used(bob, codes, LOGIN)]


def test_a_recovery_code_whose_use_was_undone_says_so(as_bob, bob, codes, log, act, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def use(request):
        assert verify_token(request.user, codes.persistent_id, CODE)
        raise RuntimeError

    act(use)
    as_bob.get("/act/it/")

    [row] = log.new()
    assert (row["event"], row["outcome"]) == ("auth.mfa.recovery_code_used", "failure")
    assert row["metadata"]["rolled_back"] is True


class TestCodeCheckedByAView:
    """As an API does, without any form of the package."""

    @pytest.fixture
    def check(self, act, as_bob):
        def check(it, browser=as_bob):
            act(lambda request: it(request.user) and None)
            return browser.get("/act/it/")

        return check

    def test_is_a_challenge_passed(self, check, bob, device, secrets, log):
        code = code_of(device, secrets)
        check(lambda user: verify_token(user, device.persistent_id, code))

        assert log.new() == [passed(bob, device, ACT)]

    def test_is_a_challenge_failed(self, check, bob, device, log):
        check(lambda user: verify_token(user, device.persistent_id, WRONG_CODE))

        assert log.new() == [refused(bob, device, ACT, bob)]

    def test_is_a_challenge_failed_if_it_comes_too_soon(self, check, bob, device, log, settings):
        settings.OTP_TOTP_THROTTLE_FACTOR = 1000
        for _ in range(2):
            check(lambda user: verify_token(user, device.persistent_id, WRONG_CODE))

        assert [row["metadata"]["reason"] for row in log.new()] == ["invalid_code", "throttled"]

    def test_against_each_device_is_one_challenge(self, check, bob, device, codes, secrets, log):
        code = code_of(device, secrets)
        check(lambda user: match_token(user, code))
        check(lambda user: match_token(user, CODE))
        check(lambda user: match_token(user, WRONG_CODE))

        # The codes on paper are asked first.
        assert log.new() == [
            passed(bob, device, ACT),
            used(bob, codes, ACT),
            refused(bob, codes, ACT, bob, kind="recovery_codes"),
        ]

    @pytest.mark.django_db(transaction=True)
    def test_against_each_device_without_our_middleware_is_one_challenge(
        self, bob, device, codes, secrets, log
    ):
        assert match_token(bob, code_of(device, secrets))

        facts = facts_of(device)
        assert log.new() == [success("auth.mfa.challenge.success", user=bob, actor=bob, **facts)]

    def test_on_paper_is_used_up_though_another_was_accepted(
        self, check, bob, device, codes, secrets, log
    ):
        code = code_of(device, secrets)

        def both(user):
            device.verify_token(code)
            codes.verify_token(CODE)

        check(both)
        assert log.new() == [passed(bob, device, ACT), used(bob, codes, ACT)]

    def test_twice_over_is_one_challenge(self, check, bob, device, secrets, log):
        code = code_of(device, secrets)
        check(lambda user: [d.verify_token(code) for d in devices_for_user(user)])
        device.refresh_from_db()
        TOTPDevice.objects.update(last_t=-1)

        def again(user):
            [first] = devices_for_user(user)
            assert first.verify_token(code)
            TOTPDevice.objects.update(last_t=-1)
            [second] = devices_for_user(user)
            assert second.verify_token(code)

        check(again)
        assert log.new() == [passed(bob, device, ACT)] * 2

    def test_and_accepted_leaves_the_refusal_that_follows(
        self, check, device, codes, secrets, log
    ):
        code = code_of(device, secrets)

        def forbid(user):
            assert match_token(user, code)
            raise PermissionDenied

        assert check(forbid).status_code == 403

        assert [row["event"] for row in log.new()] == [
            "auth.mfa.challenge.success",
            "authz.forbidden",
        ]

    def test_and_accepted_leaves_the_failure_that_came_before(
        self, check, device, codes, secrets, log
    ):
        code = code_of(device, secrets)

        def fail_first(user):
            authenticate(None, username="alice", password=WRONG)
            assert match_token(user, code)
            raise PermissionDenied

        assert check(fail_first).status_code == 403

        assert [row["event"] for row in log.new()] == [
            "auth.login.failure",
            "auth.mfa.challenge.success",
        ]

    def test_by_another_person_is_that_persons(
        self, as_root, root, check, bob, device, secrets, log
    ):
        code = code_of(device, secrets)
        check(lambda user: device.verify_token(code), as_root)
        check(lambda user: device.verify_token(WRONG_CODE), as_root)

        assert log.new() == [passed(bob, device, ACT, root), refused(bob, device, ACT, root)]

    def test_before_anybody_is_signed_in_is_the_accounts_own(
        self, client, check, bob, device, secrets, log
    ):
        code = code_of(device, secrets)
        check(lambda user: device.verify_token(WRONG_CODE), client)
        check(lambda user: device.verify_token(code), client)

        assert log.new() == [refused(bob, device, ACT), passed(bob, device, ACT)]

    def test_of_a_device_that_is_being_set_up_is_nothing(self, check, bob, secrets, log):
        device = add_totp(bob, secrets, confirmed=False)
        code = code_of(device, secrets)
        check(lambda user: device.verify_token(WRONG_CODE))
        check(lambda user: device.verify_token(code))
        check(lambda user: TOTPDevice(user=user, key=device.key).verify_token)

        assert log.new() == []

    def test_of_a_device_of_the_project_is_one_challenge(self, check, bob, secrets, log):
        device = add_totp(bob, secrets, Pendant, batch=Batch.objects.create())
        code = code_of(device, secrets)
        log.forget()
        check(lambda user: device.verify_token(code))

        assert log.new() == [passed(bob, device, ACT, kind="pendant")]

    def test_that_ends_in_an_error_is_nothing(self, check, bob, device, secrets, log):
        device.key = "no key"
        assert check(lambda user: device.verify_token("123456")).status_code == 500
        device.refresh_from_db()
        assert check(lambda user: device.verify_token(WRONG_CODE)).status_code == 200

        assert log.new() == [refused(bob, device, ACT, bob)]

    def test_of_two_accounts_is_a_challenge_each(
        self, check, as_root, root, bob, alice, device, secrets, log
    ):
        other = add_totp(alice, secrets)
        log.forget()
        check(lambda user: [d.verify_token(WRONG_CODE) for d in (device, other)], as_root)

        assert log.new() == [
            refused(bob, device, ACT, root),
            refused(alice, other, ACT, root),
        ]


def test_a_form_that_does_not_know_its_device_refuses_all_the_same(as_bob, bob, device, log, act):
    """Up to 1.7.0, django-otp tries all devices where none is chosen."""

    class TriesAll(OTPTokenForm):
        def _verify_token(self, user, token, device=None):
            if match_token(user, token) is None:
                raise ValidationError("no", code="invalid_token")

    facts = {"otp_token": WRONG_CODE}
    act(lambda request: TriesAll(request.user, request, facts).is_valid() and None)
    as_bob.get("/act/it/")

    assert log.new() == [
        failure(
            "auth.mfa.challenge.failure",
            user=bob,
            actor=bob,
            at=ACT,
            via="otp",
            reason="invalid_code",
        )
    ]


def test_a_form_without_a_password_asks_for_no_code(client, bob, device, log):
    answer = client.post("/otp-login/", {"username": "bob", "otp_token": WRONG_CODE})

    assert answer.status_code == 200
    assert log.new() == []


def test_what_could_not_be_recorded_is_not_added_to():
    otp_devices.keep_open(("it",), None)

    assert otp_devices.still_open(("it",)) is None


def test_a_second_connecting_wraps_nothing_again():
    before = (LoginView.form_valid, TOTPDevice.verify_token, StaticDevice.verify_token)
    Source().connect()

    assert before == (LoginView.form_valid, TOTPDevice.verify_token, StaticDevice.verify_token)
