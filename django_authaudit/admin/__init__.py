"""The log in Django's admin: read-only, and as fast on many rows as on few."""

from django_authaudit.admin.accounts import InvestigateMixin
from django_authaudit.admin.auditlog import AuditLogAdmin

__all__ = ["AuditLogAdmin", "InvestigateMixin"]
