"""At the front door: who gets in, and why the others do not."""

from tour.cast import Account, Cast
from tour.scenes import Chapter
from tour.visitor import Visitor

CHAPTER = Chapter("At the front door")
LOGIN = "/accounts/login/"


def sign_in(browser: Visitor, account: Account) -> None:
    """Sign in at the library's own login page."""
    typed = {"username": account.username, "password": account.password}
    browser.submit(LOGIN, typed, arrives="/reading-room/")


@CHAPTER.scene("Amara signs in", "auth.login.success")
def _(cast: Cast) -> None:
    sign_in(cast.amara_browser, cast.amara)


@CHAPTER.scene("Amara reserves a book: an event of the library's own", "library.book_reserved")
def _(cast: Cast) -> None:
    cast.amara_browser.submit("/reading-room/", {}, action="/reading-room/reserve/H%2012/")


@CHAPTER.scene("Daniel mistypes his password", "auth.login.failure/invalid_password")
def _(cast: Cast) -> None:
    typed = {"username": cast.daniel.username, "password": cast.daniel.password + "?"}
    cast.daniel_browser.submit(LOGIN, typed, arrives=LOGIN)


@CHAPTER.scene("Daniel types it where the name belongs", "auth.login.failure/unknown_user")
def _(cast: Cast) -> None:
    typed = {"username": cast.daniel.password, "password": cast.daniel.username}
    cast.daniel_browser.submit(LOGIN, typed, arrives=LOGIN)


@CHAPTER.scene("Daniel gets it right", "auth.login.success")
def _(cast: Cast) -> None:
    sign_in(cast.daniel_browser, cast.daniel)


@CHAPTER.scene("Victor, who left last year, tries again", "auth.login.failure/inactive")
def _(cast: Cast) -> None:
    typed = {"username": cast.victor.username, "password": cast.victor.password}
    cast.victor_browser.submit(LOGIN, typed, arrives=LOGIN)


@CHAPTER.scene("Lena, no staff, signs in at the admin", "auth.login.failure/not_permitted")
def _(cast: Cast) -> None:
    typed = {"username": cast.lena.username, "password": cast.lena.password}
    cast.lena_browser.submit("/admin/login/", typed, arrives="/admin/login/")


@CHAPTER.scene("A stranger opens the reading room and is sent to sign in")
def _(cast: Cast) -> None:
    cast.crawler.get("/reading-room/")
