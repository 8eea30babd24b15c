"""The promises of the write path, through real requests on the real database."""

import asyncio
import contextvars
import multiprocessing.util
import os
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import Group, User
from django.core.asgi import get_asgi_application
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.http import HttpResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

from django_authaudit import arecord, record, recorder, spool
from django_authaudit.models import AuditLog
from django_authaudit.replay import replay_file
from tests import views

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "bob@example.com", "right")


@pytest.fixture
def log(bob, rows):
    """Return what was recorded after the account: (event, outcome, rolled_back)."""

    def read():
        return [
            (row.event, row.outcome, row.metadata.get("rolled_back", False)) for row in rows()[1:]
        ]

    return read


@pytest.mark.parametrize("error", [PermissionDenied, ZeroDivisionError])
def test_a_failed_login_survives_the_rollback_of_its_request(
    atomic_requests, act, client, log, error
):
    client.raise_request_exception = False

    def view(request):
        authenticate(request, username="bob", password="wrong")
        raise error

    act(view)
    assert log() == [("auth.login.failure", "failure", False)]


def test_a_state_change_that_was_rolled_back_never_reads_as_done(
    atomic_requests, act, client, log, bob
):
    client.raise_request_exception = False

    def view(request):
        bob.is_staff = True
        bob.save()
        raise ZeroDivisionError

    act(view)
    assert not User.objects.get().is_staff
    assert log() == [("authz.role.granted", "failure", True)]


def test_a_state_change_that_was_committed_reads_as_done(atomic_requests, act, log, bob):
    def view(request):
        bob.is_staff = True
        bob.save()

    act(view)
    assert log() == [("authz.role.granted", "success", False)]


def test_set_rollback_and_rolled_back_savepoints_are_noticed(atomic_requests, act, log, bob):
    def view(request):
        try:
            with transaction.atomic():
                bob.groups.add(Group.objects.create(name="editors"))
                raise ZeroDivisionError
        except ZeroDivisionError:
            bob.groups.add(Group.objects.create(name="readers"))

    act(view)
    assert log() == [
        ("authz.group.created", "failure", True),
        ("authz.role.granted", "failure", True),
        ("authz.group.created", "success", False),
        ("authz.role.granted", "success", False),
    ]

    def give_up(request):
        bob.is_staff = True
        bob.save()
        transaction.set_rollback(True)

    act(give_up)
    assert log()[4:] == [("authz.role.granted", "failure", True)]


def test_set_with_clear_records_only_what_changed(act, log, rows, bob):
    editors, readers = (Group.objects.create(name=name) for name in ("editors", "readers"))
    bob.groups.add(editors)
    seen = len(log())
    act(lambda request: bob.groups.set([editors, readers], clear=True))
    assert [row.metadata["role"]["name"] for row in rows()[seen + 1 :]] == ["readers"]
    act(lambda request: bob.groups.set([readers], clear=True))
    assert [row.metadata["role"]["name"] for row in rows()[seen + 2 :]] == ["editors"]
    bob.groups.set([readers], clear=True)
    assert len(log()) == seen + 2


def test_a_role_given_back_in_a_savepoint_that_fails_stays_revoked(act, rows, bob):
    editors = Group.objects.create(name="editors")
    bob.groups.add(editors)

    def view(request):
        with transaction.atomic():
            bob.groups.clear()
            try:
                with transaction.atomic():
                    bob.groups.add(editors)
                    raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    act(view)
    revoked, granted = rows()[-2:]
    assert (revoked.event, revoked.outcome) == ("authz.role.revoked", "success")
    assert (granted.event, granted.outcome) == ("authz.role.granted", "failure")


def test_a_projects_own_state_change_says_that_it_was_rolled_back(atomic_requests, act, rows):
    def view(request):
        with transaction.atomic():
            record("authz.group.created", metadata={"group": "undone"})
            record("auth.logout")
            transaction.set_rollback(True)
        record("authz.group.created", metadata={"group": "kept"})

    act(view)
    undone, logout, kept = rows()
    assert (undone.outcome, undone.metadata["rolled_back"]) == ("failure", True)
    assert (logout.outcome, logout.metadata) == ("success", {})
    assert (kept.outcome, kept.metadata) == ("success", {"group": "kept"})


def test_a_worker_that_is_told_to_exit_writes_before_it_goes(act, log):
    def view(request):
        authenticate(request, username="bob", password="wrong")
        raise SystemExit

    with pytest.raises(SystemExit):
        act(view)
    assert log() == [("auth.login.failure", "failure", False)]


def test_the_rows_are_there_when_the_response_leaves(act, log):
    def view(request):
        authenticate(request, username="bob", password="wrong")
        assert log() == []

    act(view)
    assert len(log()) == 1


def test_one_request_is_one_insert(act, bob):
    record("auth.logout")

    def view(request):
        for _ in range(10):
            record("authz.rate_limited", user=bob)

    with CaptureQueriesContext(connection) as queries:
        act(view)
    (query,) = queries
    assert query["sql"].count("INSERT INTO") == 1


def test_an_entry_made_while_streaming_is_written_at_once(act, log, bob):
    def stream():
        yield b"a"
        record("auth.session.revoked", user=bob)
        yield b"b"

    response = act(lambda request: StreamingHttpResponse(stream()))
    assert log() == []
    assert b"".join(response.streaming_content) == b"ab"
    assert log() == [("auth.session.revoked", "success", False)]


def test_without_a_request_an_event_is_written_at_once(log, bob):
    authenticate(username="bob", password="wrong")
    assert log() == [("auth.login.failure", "failure", False)]


def test_without_a_request_events_of_a_transaction_are_written_at_its_commit(log, bob):
    with transaction.atomic():
        for number in range(200):
            User.objects.create_user(f"user{number}")
        authenticate(username="bob", password="wrong")
        assert log() == []
    recorded = log()
    assert len(recorded) == 201
    assert {outcome for event, outcome, _ in recorded if event == "account.created"} == {"success"}


def test_the_events_of_one_commit_are_one_insert(bob):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        for _ in range(5):
            record("auth.logout", user=bob)
    assert sum("INSERT INTO" in query["sql"] for query in queries) == 1


def test_without_a_request_a_rollback_is_told_when_its_block_has_ended(log, bob):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        bob.is_active = False
        bob.save()
        authenticate(username="bob", password="wrong")
        raise ZeroDivisionError
    assert log() == [
        ("account.deactivated", "failure", True),
        ("auth.login.failure", "failure", False),
    ]


def test_the_end_of_a_block_inside_a_transaction_is_no_safe_point(log, bob):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            bob.is_active = False
            bob.save()
            raise ZeroDivisionError
        with transaction.atomic():
            recorder.write_settled()
        assert log() == []
    assert log() == [("account.deactivated", "failure", True)]


def test_a_request_inside_a_transaction_waits_for_its_end(client, log, bob):
    with transaction.atomic():
        client.post("/login/", {"username": "bob", "password": "wrong"})
        assert log() == []
    assert log() == [("auth.login.failure", "failure", False)]


def test_a_state_change_by_a_request_inside_a_transaction_shares_its_fate(act, log, bob):
    def view(request):
        bob.is_staff = True
        bob.save()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        act(view)
        assert log() == []
        raise ZeroDivisionError
    assert log() == [("authz.role.granted", "failure", True)]


def test_a_thread_records_on_its_own(log, bob):
    def work():
        record("auth.logout", user=bob)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert log() == [("auth.logout", "success", False)]


def test_what_a_worker_thread_records_while_its_request_ends_is_kept(act, rows):
    recording, answered = threading.Event(), threading.Event()

    class Slow:
        is_authenticated = True
        pk = 7

        def get_username(self):
            recording.set()
            answered.wait(30)
            return "slow"

    def work():
        record("auth.logout", user=Slow())
        connection.close()

    def view(request):
        # As asyncio.to_thread() has it: the thread knows the request.
        threads.append(threading.Thread(target=contextvars.copy_context().run, args=[work]))
        threads[0].start()
        recording.wait(30)

    threads = []
    act(view)
    answered.set()
    threads[0].join()
    assert [row.username for row in rows("auth.logout")] == ["slow"]


async def test_an_async_view_records_like_any_other(threads, async_client, rows, bob_async):
    await async_client.post("/async-login/", {"username": "bob", "password": "wrong"})
    await async_client.post("/async-login/", {"username": "bob", "password": "right"})
    await async_client.get("/forbidden-async/")
    events = [(row.event, row.actor_username) for row in await sync_to_async(rows)()][1:]
    assert events == [
        ("auth.login.failure", ""),
        ("auth.login.success", "bob"),
        ("authz.forbidden", "bob"),
    ]


@pytest.fixture
async def bob_async():
    return await sync_to_async(User.objects.create_user)("bob", "bob@example.com", "right")


async def test_twenty_requests_at_once_are_not_mixed_up(threads, async_client, rows):
    async def view(request):
        name = request.headers["X-Name"]
        await asyncio.sleep(0)
        record("auth.logout", username=name)
        await asyncio.sleep(0)
        return HttpResponse("done")

    views.acts["mixed"] = view
    await asyncio.gather(
        *(
            async_client.post(
                "/act-async/mixed/", headers={"X-Name": f"n{i}", "User-Agent": f"n{i}"}
            )
            for i in range(20)
        )
    )
    found = await sync_to_async(rows)("auth.logout")
    assert len(found) == 20
    assert all(row.username == row.user_agent for row in found)


async def test_an_event_survives_the_clients_disconnect(threads, rows, bob_async):
    started = asyncio.Event()

    async def view(request):
        await sync_to_async(record)("auth.logout", username="gone")
        started.set()
        await asyncio.sleep(30)

    views.acts["slow"] = view
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/act-async/slow/",
        "headers": [(b"host", b"testserver")],
        "query_string": b"",
        "http_version": "1.1",
        "client": None,
    }
    communicator = ApplicationCommunicator(get_asgi_application(), scope)
    await communicator.send_input({"type": "http.request", "body": b""})
    await started.wait()
    await communicator.send_input({"type": "http.disconnect"})
    await communicator.wait()
    assert [row.username for row in await sync_to_async(rows)("auth.logout")] == ["gone"]


async def test_a_task_that_outlives_its_request_records_on_its_own(threads, async_client, rows):
    tasks = []

    async def later():
        await asyncio.sleep(0.05)
        await sync_to_async(record)("auth.logout", username="later")

    async def view(request):
        tasks.append(asyncio.create_task(later()))
        return HttpResponse("done")

    views.acts["spawn"] = view
    await async_client.post("/act-async/spawn/")
    await asyncio.gather(*tasks)
    assert [row.username for row in await sync_to_async(rows)("auth.logout")] == ["later"]


def test_a_login_whose_session_was_not_kept_says_so(act, client, rows, bob):
    client.raise_request_exception = False

    def view(request):
        login(request, bob, backend="django.contrib.auth.backends.ModelBackend")
        raise ZeroDivisionError

    act(view)
    (row,) = rows("auth.login.success")
    assert row.metadata["session_kept"] is False
    assert row.outcome == "success"


def test_a_session_that_middleware_outside_of_ours_keeps_is_not_called_lost(
    client, rows, bob, settings
):
    ours, *others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*others, ours]
    client.post("/login/", {"username": "bob", "password": "right"})
    (row,) = rows("auth.login.success")
    assert "session_kept" not in row.metadata


def test_a_login_whose_session_was_kept_says_nothing(client, rows, bob):
    client.post("/login/", {"username": "bob", "password": "right"})
    (row,) = rows("auth.login.success")
    assert "session_kept" not in row.metadata
    assert row.session_ref
    assert client.session.session_key not in row.session_ref


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_state_change_waits_for_the_logs_own_transaction_too(settings, act, bob):
    """Committed in one database, it is not written into an open transaction of the other."""
    settings.AUTHAUDIT_DATABASE = "audit"
    log = AuditLog.objects.using("audit").filter(event="authz.role.granted")

    def view(request):
        bob.is_staff = True
        bob.save()

    with transaction.atomic(using="audit"):
        act(view)
        assert not log.exists()
    assert log.get().outcome == "success"
    with transaction.atomic(using="default"):
        bob.is_superuser = True
        bob.save()
        assert log.count() == 1
    assert log.count() == 2


LEFT_BEHIND = """
import multiprocessing, os, sys
import django
django.setup()
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.contrib.auth.models import User
from django.test import override_settings

def work():
    connection.connect()
    try:
        with transaction.atomic():
            User.objects.create_user("ghost")
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass

def wait_for_the_log():
    # Its own transaction outlasts that of the change, and nothing is recorded after it.
    connections["audit"].settings_dict.update(connections["default"].settings_dict)
    with override_settings(AUTHAUDIT_DATABASE="audit"), transaction.atomic(using="audit"):
        with transaction.atomic():
            User.objects.create_user("ghost")

if sys.argv[1] == "log":
    wait_for_the_log()
elif sys.argv[1] == "worker":
    # As the worker of a task queue may: nothing that is registered for its end is run.
    work()
    os._exit(0)
elif sys.argv[1] == "child":
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
else:
    work()
"""


def left_behind(tmp_path, where):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings_server",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "XDG_STATE_HOME": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", LEFT_BEHIND, where], env=environment, check=True)


def test_what_waited_for_the_logs_own_transaction_is_written_when_the_process_ends(rows, tmp_path):
    left_behind(tmp_path, "log")
    assert [row.username for row in rows()] == ["ghost"]


@pytest.mark.parametrize("where", ["child", "main", "worker"])
def test_what_a_rollback_left_is_written_however_the_process_ends(rows, tmp_path, where):
    left_behind(tmp_path, where)
    (row,) = rows()
    assert (row.event, row.username, row.metadata["rolled_back"]) == (
        "account.created",
        "ghost",
        True,
    )


async def test_a_coroutine_without_a_request_records_too(threads, rows):
    record("auth.logout", username="sync")
    await arecord("auth.logout", username="async")
    assert [row.username for row in await sync_to_async(rows)()] == ["sync", "async"]


def test_a_committed_change_reads_as_done_though_another_apps_hook_fails(act, log, bob):
    def fail():
        raise ZeroDivisionError

    def view(request):
        try:
            with transaction.atomic():
                transaction.on_commit(fail)
                bob.is_staff = True
                bob.save()
        except ZeroDivisionError:
            pass

    act(view)
    assert User.objects.get().is_staff
    assert log() == [("authz.role.granted", "success", False)]


def test_the_hooks_of_other_apps_keep_their_order(bob):
    called = []
    with transaction.atomic():
        transaction.on_commit(lambda: called.append(1))
        bob.is_staff = True
        bob.save()
        transaction.on_commit(lambda: called.append(2))
        record("auth.logout", user=bob)
        transaction.on_commit(lambda: called.append(3))
    assert called == [1, 2, 3]


def test_the_entries_of_a_transaction_are_numbered_as_they_happened(rows, bob):
    with transaction.atomic():
        for number in range(5):
            record("auth.logout", user=bob, username=str(number))
    found = rows("auth.logout")
    assert [row.username for row in found] == list("01234")
    assert [row.sequence for row in found] == sorted(row.sequence for row in found)


@pytest.mark.parametrize("kept", [True, False])
def test_a_change_in_another_threads_transaction_waits_for_its_end(act, log, rows, bob, kept):
    noted, answered = threading.Event(), threading.Event()

    def work():
        try:
            with transaction.atomic():
                record("authz.group.created", metadata={"group": "editors"})
                noted.set()
                answered.wait(30)
                transaction.set_rollback(not kept)
        finally:
            connection.close()

    def view(request):
        # As asyncio.to_thread() has it: the thread knows the request.
        threads.append(threading.Thread(target=contextvars.copy_context().run, args=[work]))
        threads[0].start()
        assert noted.wait(30)

    threads = []
    act(view)
    assert log() == []
    answered.set()
    threads[0].join()
    recorder.write_settled()
    outcome = "success" if kept else "failure"
    assert log() == [("authz.group.created", outcome, not kept)]


def test_any_number_of_rollbacks_leave_one_thing_to_do_at_the_end_of_the_process(bob):
    def left():
        return sum(known._callback is recorder.write_settled for known in finalizers.values())

    finalizers = multiprocessing.util._finalizer_registry
    for _ in range(3):
        for _ in range(20):
            with transaction.atomic():
                record("auth.logout", user=bob)
                transaction.set_rollback(True)
        recorder.write_settled()
    assert left() == 1
    assert AuditLog.objects.filter(event="auth.logout").count() == 60


class Told(BaseException):
    """As SystemExit and KeyboardInterrupt are: no Exception."""


@pytest.mark.parametrize("moment", ["SELECT", "INSERT"])
def test_a_worker_that_is_told_to_exit_while_the_database_hangs_loses_nothing(
    act, rows, bob, moment
):
    def told_to_exit(execute, sql, params, many, context):
        if moment in sql and (moment == "SELECT" or "auditlog" in sql):
            raise Told
        return execute(sql, params, many, context)

    def view(request):
        record("auth.session.revoked", user=bob)
        # Why it failed is looked up at the flush.
        authenticate(request, username="bob", password="wrong")
        record("auth.logout", user=bob)
        hung.enter_context(connection.execute_wrapper(told_to_exit))

    with ExitStack() as hung, pytest.raises(Told):
        act(view)
    assert spool.waiting("default")
    replay_file("default")
    assert [row.event for row in rows()[1:4]] == [
        "auth.session.revoked",
        "auth.login.failure",
        "auth.logout",
    ]
    assert len({(row.writer, row.sequence) for row in rows()}) == len(rows())


def test_a_worker_that_is_told_to_exit_after_its_rows_were_stored_doubles_none(act, rows, bob):
    def told_to_exit(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if "INSERT" in sql:
            raise Told
        return result

    def view(request):
        record("auth.logout", user=bob)
        hung.enter_context(connection.execute_wrapper(told_to_exit))

    with ExitStack() as hung, pytest.raises(Told):
        act(view)
    assert len(rows("auth.logout")) == 1
    assert replay_file("default").present == 1
    assert len(rows("auth.logout")) == 1


@pytest.fixture
def transactions_by_hand():
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


def test_an_event_in_a_transaction_by_hand_outlives_its_rollback(transactions_by_hand, act, rows):
    User.objects.create_user("undone")
    act(lambda request: record("auth.logout", username="first"))
    with transaction.atomic():
        record("auth.logout", username="second")
    assert spool.waiting("default")
    transaction.rollback()
    transaction.set_autocommit(True)
    record("auth.logout", username="third")
    assert [row.username for row in rows("auth.logout")] == ["first", "second", "third"]
    assert not User.objects.exists()


def test_the_spool_is_not_replayed_into_a_transaction_by_hand(transactions_by_hand, rows):
    record("auth.logout", username="first")
    with pytest.raises(TransactionManagementError):
        replay_file("default")
    transaction.rollback()
    transaction.set_autocommit(True)
    assert replay_file("default").stored >= 1
