"""The tables of the log: the entries, the seals, and what each seal is about."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_authaudit import events
from django_authaudit.entry import LIMITS, new_id
from django_authaudit.exceptions import ReadOnlyError
from django_authaudit.querysets import AppendOnlyManager, AuditLogManager


class AppendOnly(models.Model):
    """A row that is added once, and leaves by retention alone."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Insert the row; raise ReadOnlyError for one that is stored already."""
        if not self._state.adding:
            raise ReadOnlyError("The entries of the audit log are never changed.")
        super().save(*args, **{**options, "force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        """Raise ReadOnlyError: entries leave by retention alone."""
        raise ReadOnlyError("Entries are deleted by prune_audit_log alone.")


class AuditLog(AppendOnly):
    """One stored entry.

    `user` and `actor` are soft references: the row says who it was when the account is long gone,
    and no lock, cascade or constraint ties the log to the accounts.
    """

    id = models.UUIDField(_("ID"), primary_key=True, default=new_id, editable=False)
    event = models.CharField(_("event"), max_length=LIMITS["event"])
    outcome = models.CharField(_("outcome"), max_length=7, choices=events.OUTCOMES)
    created_at = models.DateTimeField(_("time"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        verbose_name=_("user"),
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    username = models.CharField(_("user name"), max_length=LIMITS["username"], blank=True)
    email = models.CharField(_("e-mail address"), max_length=LIMITS["email"], blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        verbose_name=_("actor"),
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    actor_username = models.CharField(
        _("actor's user name"), max_length=LIMITS["actor_username"], blank=True
    )
    ip_address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=LIMITS["user_agent"], blank=True)
    session_ref = models.CharField(_("session"), max_length=LIMITS["session_ref"], blank=True)
    request_id = models.CharField(_("request"), max_length=LIMITS["request_id"], blank=True)
    method = models.CharField(_("method"), max_length=LIMITS["method"], blank=True)
    path = models.CharField(_("path"), max_length=LIMITS["path"], blank=True)
    metadata = models.JSONField(_("details"), default=dict, blank=True)
    writer = models.UUIDField(_("writer"), null=True, editable=False)
    sequence = models.PositiveBigIntegerField(_("sequence"), default=0, editable=False)
    salt = models.CharField(_("salt"), max_length=32, blank=True, editable=False)
    leaf = models.CharField(_("fingerprint"), max_length=64, blank=True, editable=False)
    signature = models.CharField(_("signature"), max_length=255, blank=True, editable=False)

    objects = AuditLogManager()

    class Meta:
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        permissions = (("export_auditlog", _("Can export the audit log")),)
        indexes = [
            models.Index(fields=["event", "id"], name="authaudit_event"),
            models.Index(fields=["outcome", "id"], name="authaudit_outcome"),
            models.Index(fields=["user", "id"], name="authaudit_user"),
            models.Index(fields=["actor", "id"], name="authaudit_actor"),
            models.Index(fields=["username", "id"], name="authaudit_username"),
            models.Index(fields=["actor_username", "id"], name="authaudit_actor_username"),
            models.Index(fields=["email", "id"], name="authaudit_email"),
            models.Index(fields=["ip_address", "id"], name="authaudit_ip_address"),
            models.Index(fields=["session_ref", "id"], name="authaudit_session"),
            models.Index(fields=["request_id"], name="authaudit_request"),
            models.Index(fields=["writer", "sequence"], name="authaudit_writer"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M:%S} {self.event} {self.username}".rstrip()

    @property
    def event_label(self) -> str:
        """The event in words, or its code when the catalogue does not know it."""
        return str(events.get(self.event).label)


class AuditShipment(models.Model):
    """How far the log was shipped to one sink, and who is shipping now."""

    sink = models.CharField(max_length=100, primary_key=True)
    position = models.UUIDField(null=True)
    """The id up to which the log was gone through; what appeared below it later is late."""
    shipped = models.PositiveBigIntegerField(default=0)
    shipped_at = models.DateTimeField(null=True)
    holder = models.CharField(max_length=64, blank=True)
    held_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    failing_since = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.sink


class AuditShipmentWriter(models.Model):
    """Which numbers of a writer were shipped: all up to `last` but those that are `missing`."""

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey(AuditShipment, models.CASCADE, related_name="writers")
    writer = models.UUIDField()
    last = models.PositiveBigIntegerField(default=0)
    missing = models.JSONField(default=list)
    """Ranges, ``[first, last]`` each."""

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["shipment", "writer"], name="authaudit_shipment_writer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id}: {self.writer}"


class AuditShipmentRejection(models.Model):
    """An entry that a sink's receiver never took, set aside so that the others go on."""

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey(AuditShipment, models.CASCADE, related_name="rejections")
    entry = models.UUIDField()
    error = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.shipment_id}: {self.entry}"


class AuditHold(models.Model):
    """What must stay in the log until it is released: entries that have all that is given here."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    username = models.CharField(max_length=LIMITS["username"], blank=True)
    email = models.CharField(max_length=LIMITS["email"], blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.TextField()
    created_at = models.DateTimeField()
    held_by = models.CharField(max_length=LIMITS["username"])
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=LIMITS["username"], blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk} {self.reason}"


class AuditSeal(AppendOnly):
    """A signed statement about runs of entries, linked to the one before it.

    The numbers of all seals make one chain: 1, 2, 3, ... `integrity.seals` makes and reads them.
    """

    SEALED, PRUNED, ERASED = "sealed", "pruned", "erased"
    KINDS = [(SEALED, _("sealed")), (PRUNED, _("pruned")), (ERASED, _("erased"))]

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=6, choices=KINDS)
    # What is signed, as it was signed: no database has a say in its form.
    statement = models.TextField(_("statement"))
    signature = models.CharField(_("signature"), max_length=255)
    public_signature = models.CharField(_("Ed25519 signature"), max_length=128, blank=True)

    objects = AppendOnlyManager()

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


class SealedRun(AppendOnly):
    """Entries of one writer, `first` to `last` without a hole, that a seal is about."""

    id = models.BigAutoField(primary_key=True)
    seal = models.ForeignKey(
        AuditSeal,
        models.DO_NOTHING,
        verbose_name=_("seal"),
        db_constraint=False,
        related_name="runs",
    )
    writer = models.UUIDField(_("writer"))
    first = models.PositiveBigIntegerField(_("first number"))
    last = models.PositiveBigIntegerField(_("last number"))
    digest = models.CharField(_("digest"), max_length=64)
    leaves = models.TextField(_("fingerprints"), blank=True)

    objects = AppendOnlyManager()

    class Meta:
        verbose_name = _("sealed run")
        verbose_name_plural = _("sealed runs")
        default_permissions = ()
        indexes = [models.Index(fields=["writer", "first"], name="authaudit_run")]

    def __str__(self) -> str:
        return f"{self.writer} {self.first}-{self.last}"
