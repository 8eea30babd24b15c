"""What the demo says at the end: the table, what was wrong with it, and where to look next."""

from django.urls import reverse

from django_authaudit.models import AuditLog
from tour.cast import Cast
from tour.narrator import Narrator
from tour.table import table
from tour.terminal import styled


def show(narrator: Narrator) -> None:
    """Print every entry of the log, a summary, and the differences that were found."""
    entries = list(AuditLog.objects.order_by("id"))
    narrator.look_over(entries)
    print(f"\n{styled('What the audit log holds', 'bold')}\n")
    for line in table(entries):
        print(line)
    kinds = len({entry.event for entry in entries})
    print(f"\n{kinds} event types, {len(entries)} entries.", verdict(narrator.problems))


def verdict(problems: list[str]) -> str:
    """Return the last words on the record."""
    if not problems:
        return styled("All that happened is recorded, once; no secret is.", "green")
    return styled("\n".join(["What is wrong:", *(f"  ✗ {text}" for text in problems)]), "red")


def goodbye(address: str, cast: Cast) -> None:
    """Print where the admin is served and how to sign in."""
    log = reverse("admin:django_authaudit_auditlog_changelist").lstrip("/")
    print(
        f"\n{styled('Now look for yourself', 'bold')} (Ctrl-C ends it)\n\n"
        f"  The log      {styled(address + log, 'cyan')}\n"
        f"  The library  {styled(address, 'cyan')}\n\n"
        f"  Admin        {cast.admin.username}   password {cast.admin.password}\n"
        f"  Member       {cast.amara.username}   password {cast.amara.password}\n"
    )
