"""Whether a transaction was kept, for whoever waits for its end."""

import pytest
from django.db import transaction

from django_authaudit.transactions import Fate


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kept", [True, False])
def test_whoever_comes_after_its_end_is_told_to_wait_no_more(kept):
    told = []
    with transaction.atomic():
        early, late = Fate("default"), Fate("default")
        assert early.wait(lambda: told.append("early"))
        transaction.set_rollback(not kept)

    assert not late.wait(lambda: told.append("late"))
    assert told == ["early"]
    assert early.rolled_back == late.rolled_back == (not kept)
