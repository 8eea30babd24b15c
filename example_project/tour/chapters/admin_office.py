"""In the admin's office: locks lifted, roles given and taken, accounts made and unmade."""

from tour.cast import Cast, admin_page, librarians
from tour.chapters.guesser import lock_page
from tour.scenes import Chapter

CHAPTER = Chapter("In the admin's office")
USERS = "/admin/auth/user/"


@CHAPTER.scene("The admin signs in", "auth.login.success")
def _(cast: Cast) -> None:
    typed = {"username": cast.admin.username, "password": cast.admin.password}
    cast.admin_browser.submit("/admin/login/?next=/admin/", typed, arrives="/admin/")


@CHAPTER.scene("She lifts the lock", "auth.account_unlocked")
def _(cast: Cast) -> None:
    arrives = "/admin/axes/accessattempt/"
    cast.admin_browser.submit(lock_page(cast), {"post": "yes"}, arrives=arrives)


@CHAPTER.scene("She makes Amara a librarian", "authz.role.granted")
def _(cast: Cast) -> None:
    page = admin_page(cast.amara.username)
    cast.admin_browser.submit(page, {"groups": [librarians()]}, arrives=USERS)


@CHAPTER.scene("Amara opens the desk: nothing to record")
def _(cast: Cast) -> None:
    cast.amara_browser.get("/desk/")


@CHAPTER.scene("She makes Lena one of the staff", "authz.role.granted")
def _(cast: Cast) -> None:
    page = admin_page(cast.lena.username)
    cast.admin_browser.submit(page, {"is_staff": "on"}, arrives=USERS)


@CHAPTER.scene("She saves Lena's page again, unchanged: nothing to record")
def _(cast: Cast) -> None:
    page = admin_page(cast.lena.username)
    cast.admin_browser.submit(page, {"is_staff": "on"}, arrives=USERS)


@CHAPTER.scene("She makes an account for Noor, with a slip in the name", "account.created")
def _(cast: Cast) -> None:
    password = cast.noor.password
    typed = {"username": "noor.hadad", "password1": password, "password2": password}
    cast.admin_browser.submit(f"{USERS}add/", typed)


@CHAPTER.scene(
    "She mends the name and adds the address", "account.renamed", "account.email_changed"
)
def _(cast: Cast) -> None:
    typed = {"username": cast.noor.username, "email": cast.noor.email}
    cast.admin_browser.submit(admin_page("noor.hadad"), typed, arrives=USERS)


@CHAPTER.scene("She sets another password for Noor", "auth.password.changed")
def _(cast: Cast) -> None:
    password = cast.noor.choose_password()
    typed = {"password1": password, "password2": password, "set-password": "yes"}
    cast.admin_browser.submit(admin_page(cast.noor.username, "password"), typed)


@CHAPTER.scene("She takes Amara off the librarians", "authz.role.revoked")
def _(cast: Cast) -> None:
    cast.admin_browser.submit(admin_page(cast.amara.username), {"groups": None}, arrives=USERS)


@CHAPTER.scene("She closes Daniel's account", "account.deactivated")
def _(cast: Cast) -> None:
    page = admin_page(cast.daniel.username)
    cast.admin_browser.submit(page, {"is_active": None}, arrives=USERS)


@CHAPTER.scene("She deletes Victor's", "account.deleted")
def _(cast: Cast) -> None:
    page = admin_page(cast.victor.username, "delete")
    cast.admin_browser.submit(page, {"post": "yes"}, arrives=USERS)
