import json
import uuid

from django_authaudit.entry import make_entry, new_id
from django_authaudit.formats import jsonl


def test_an_entry_is_one_line_of_ascii_whatever_it_holds():
    entry = make_entry(
        id=new_id(),
        event="auth.login.failure",
        outcome="failure",
        username="a\nb\u2028\ud800 ü",
        metadata={"reason": "x\ny"},
    )
    line = jsonl.dumps(entry)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["created_at"].endswith("Z")


def test_what_was_written_is_read_back():
    entry = make_entry(
        id=new_id(),
        event="auth.logout",
        outcome="success",
        user_id=7,
        writer=uuid.uuid4(),
        sequence=3,
        salt="00",
        ip_address="::1",
    )
    assert jsonl.from_dict(json.loads(jsonl.dumps(entry))) == entry


def test_a_key_that_is_no_number_is_text():
    key = uuid.uuid4()
    entry = make_entry(id=new_id(), event="auth.logout", outcome="success", user_id=key)
    assert json.loads(jsonl.dumps(entry))["user_id"] == str(key)
