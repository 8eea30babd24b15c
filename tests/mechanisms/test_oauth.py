"""What the packages that speak OAuth share."""

from django_authaudit.mechanisms import calls, oauth


def test_a_project_without_rest_framework_has_nothing_watched(monkeypatch):
    watched = []
    monkeypatch.setattr(calls, "watch", lambda *arguments, **options: watched.append(arguments))
    monkeypatch.setattr(oauth, "find_spec", lambda name: None)
    oauth.follow_rest_framework()
    assert watched == []

    monkeypatch.setattr(oauth, "find_spec", lambda name: name)
    oauth.follow_rest_framework()
    assert watched == [("rest_framework.request.Request._authenticate", oauth.on_authenticated)]
