"""The people of the tour, their accounts, and the browsers they come with."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from tour.visitor import TourError, Visitor

LIBRARIANS = "Librarians"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
MACBOOK = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Safari/605.1.15"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"
)
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OFFICE_PC = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
DESK_PC = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"
)


def new_password() -> str:
    """Return a random password that can be read aloud (59 bits)."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


@dataclass
class Account:
    """Somebody with an account, and the password that works."""

    username: str
    first_name: str
    last_name: str
    password: str = field(default_factory=new_password)
    former_passwords: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """The e-mail address: the name at a domain that is nobody's (RFC 2606)."""
        return f"{self.username}@harbour.example"

    def choose_password(self) -> str:
        """Return a new password, which is the account's from now on."""
        self.former_passwords.append(self.password)
        self.password = new_password()
        return self.password


class Cast:
    """Everybody who has a part, each with their own browser and address (RFC 5737)."""

    def __init__(self) -> None:
        self.admin = Account("admin", "Ingrid", "Solberg")
        self.tomas = Account("tomas.keller", "Tomas", "Keller")
        self.amara = Account("amara.okafor", "Amara", "Okafor")
        # No user name may hold an exclamation mark: typed into the wrong field, this gives
        # itself away as a password.
        self.daniel = Account("daniel.reyes", "Daniel", "Reyes", new_password() + "!")
        self.lena = Account("lena.fischer", "Lena", "Fischer")
        self.victor = Account("victor.hale", "Victor", "Hale")
        self.noor = Account("noor.haddad", "Noor", "Haddad")
        self.reset_link = ""

    def arrive(self, site: str) -> None:
        """Give everybody a browser for `site`."""
        self.admin_browser = Visitor(site, "192.0.2.10", OFFICE_PC)
        self.tomas_browser = Visitor(site, "192.0.2.23", DESK_PC)
        self.amara_browser = Visitor(site, "203.0.113.24", FIREFOX)
        self.daniel_browser = Visitor(site, "198.51.100.17", IPHONE)
        self.lena_browser = Visitor(site, "203.0.113.88", MACBOOK)
        self.victor_browser = Visitor(site, "198.51.100.140", ANDROID)
        self.thief = Visitor(site, "198.51.100.77", LINUX)
        self.crawler = Visitor(site, "203.0.113.231", "curl/8.14.1")
        self.guesser = Visitor(
            site, "198.51.100.201", "python-requests/2.32.4", forged_hops="192.0.2.10"
        )

    def found_librarians(self) -> None:
        """Create the group Librarians, who may see the register of members."""
        group = Group.objects.create(name=LIBRARIANS)
        group.permissions.add(Permission.objects.get(codename="view_user"))

    def enrol(self, account: Account, **flags: bool) -> None:
        """Create an account, as a project's own code would."""
        get_user_model()._default_manager.create_user(
            account.username,
            account.email,
            account.password,
            first_name=account.first_name,
            last_name=account.last_name,
            **flags,
        )

    def appoint(self, account: Account) -> None:
        """Make somebody a librarian."""
        user = get_user_model()._default_manager.get(username=account.username)
        user.groups.add(Group.objects.get(name=LIBRARIANS))

    @property
    def browsers(self) -> tuple[Visitor, ...]:
        """All who came."""
        return tuple(value for value in vars(self).values() if isinstance(value, Visitor))

    @property
    def secrets(self) -> Iterator[str]:
        """Everything that must stand nowhere in the log."""
        for account in vars(self).values():
            if isinstance(account, Account):
                yield from (account.password, *account.former_passwords)
        for browser in self.browsers:
            yield from (cookie.value for cookie in browser.cookies if cookie.value)
        yield self.reset_link.rstrip("/").rpartition("/")[2]


def admin_page(username: str, page: str = "change") -> str:
    """Return the path of an account's page in the admin."""
    key = get_user_model()._default_manager.get(username=username).pk
    return f"/admin/auth/user/{key}/{page}/"


def librarians() -> str:
    """Return the key of the group Librarians, as the admin's form wants it."""
    return str(Group.objects.get(name=LIBRARIANS).pk)


def dispute_page(activity: str, address: str) -> str:
    """Return where the page of recent activity leads from the newest entry of `address`."""
    for row in activity.split("<tr")[1:]:
        link = re.search(r'href="(/security/not-me/[^"]+)"', row)
        if link and address in row:
            return link[1]
    raise TourError(f"recent activity shows nothing from {address}")


def link_in_newest_letter() -> str:
    """Return the path of the reset link in the last e-mail; raise TourError without one."""
    letters = sorted(Path(settings.MAIL_DIR).glob("*.log"), key=lambda path: path.stat().st_mtime)
    text = message_from_bytes(letters[-1].read_bytes(), policy=default).get_content()
    found = re.search(r"https?://[^/\s]+(/reset/\S+)", text)
    if found is None:
        raise TourError(f"{letters[-1]} holds no link")
    return found[1]
