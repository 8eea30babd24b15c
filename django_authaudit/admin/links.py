"""Addresses of the admin's pages, on whichever site they stand."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode


def page(site: str, model: Any, name: str, *args: Any) -> str:
    """Return the address of the page `name` of `model` on the admin site named `site`."""
    options = model._meta
    view = f"admin:{options.app_label}_{options.model_name}_{name}"
    return reverse(view, args=args, current_app=site)


def investigation(site: str, kind: str, value: Any) -> str:
    """Return the address of all that is known of an account, name, address and the like."""
    view = "admin:django_authaudit_auditlog_investigate"
    path = reverse(view, args=["account" if kind == "actor" else kind], current_app=site)
    return f"{path}?{urlencode({'of': value})}"
