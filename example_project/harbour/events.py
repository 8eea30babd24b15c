"""What happens at the library that Django knows nothing of."""

from django.utils.translation import gettext_lazy as _

from django_authaudit import Event, register

BOOK_RESERVED = register(Event("library.book_reserved", _("Book reserved")))
