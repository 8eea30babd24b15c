"""Whether the log is as it was written, and if not, what is wrong with it."""

from django_authaudit.verification.log import Summary, Verification
from django_authaudit.verification.problems import Kind, Problem

__all__ = ["Kind", "Problem", "Summary", "Verification"]
