"""Plays the chapters, and holds what was recorded against what should have been."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django_authaudit.models import AuditLog
from tour.cast import Cast
from tour.scenes import Chapter, Scene
from tour.terminal import styled

TITLE_WIDTH = 60
# What happens to the log itself is no part of the tour.
OWN_EVENTS = ("audit.", "alert.")


class Narrator:
    """Tells the tour scene by scene and keeps every difference."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.problems: list[str] = []
        self._seen: set[UUID] = set()

    def play(self, chapter: Chapter) -> None:
        """Play a chapter and print, scene by scene, what it left in the log."""
        print(f"\n{styled(chapter.title, 'bold')}")
        for scene in chapter.scenes:
            self._play(scene)

    def _play(self, scene: Scene) -> None:
        scene.act(self.cast)
        found = Counter(label(entry, scene.records) for entry in self._new_entries())
        wanted = Counter(scene.records)
        missing, surplus = wanted - found, found - wanted
        if missing or surplus:
            self._complain(scene, missing, surplus)
        mark = styled("✗", "red") if missing or surplus else styled("✓", "green")
        text = styled(listed(found), "cyan") if found else styled("nothing", "faint")
        print(f"  {mark} {scene.title:<{TITLE_WIDTH}} {text}")

    def _new_entries(self) -> list[AuditLog]:
        entries = [
            entry
            for entry in AuditLog.objects.order_by("id")
            if entry.id not in self._seen and not entry.event.startswith(OWN_EVENTS)
        ]
        self._seen.update(entry.id for entry in entries)
        return entries

    def _complain(self, scene: Scene, missing: Counter[str], surplus: Counter[str]) -> None:
        if missing:
            self.problems.append(f"{scene.title}: not recorded: {listed(missing)}")
        if surplus:
            self.problems.append(f"{scene.title}: recorded, but not expected: {listed(surplus)}")

    def look_over(self, entries: Sequence[AuditLog]) -> None:
        """Check what holds for all entries: true addresses, and no secret anywhere."""
        browsers = {browser.user_agent: browser.address for browser in self.cast.browsers}
        hidden = [secret for secret in self.cast.secrets if secret]
        for entry in entries:
            name = f"{entry.event} at {entry.created_at:%H:%M:%S}"
            if entry.user_agent and entry.ip_address != browsers.get(entry.user_agent):
                self.problems.append(f"{name}: came from another address than {entry.ip_address}")
            if any(secret in content(entry) for secret in hidden):
                self.problems.append(f"{name}: holds a password, a token or a session's key")


def label(entry: AuditLog, wanted: Sequence[str]) -> str:
    """Return the entry's event; with its reason, where the scene (or nothing) speaks of one."""
    reason = entry.metadata.get("reason")
    if not reason or entry.event in wanted:
        return entry.event
    return f"{entry.event}/{reason}"


def listed(counts: Counter[str]) -> str:
    """Return counted names as one line."""
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())


def content(entry: AuditLog) -> str:
    """Return all that the row holds, as text."""
    return " ".join(str(getattr(entry, field.attname)) for field in entry._meta.concrete_fields)
