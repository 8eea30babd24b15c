"""Closing time."""

from tour.cast import Cast
from tour.scenes import Chapter
from tour.visitor import Visitor

CHAPTER = Chapter("Closing time")


def sign_out(browser: Visitor) -> None:
    """Press the button "Sign out" of the front page."""
    browser.submit("/", {}, action="/accounts/logout/", arrives="/")


@CHAPTER.scene("Amara and Lena sign out", *["auth.logout"] * 2)
def _(cast: Cast) -> None:
    sign_out(cast.amara_browser)
    sign_out(cast.lena_browser)


@CHAPTER.scene("The admin signs out", "auth.logout")
def _(cast: Cast) -> None:
    cast.admin_browser.submit("/admin/", {}, action="/admin/logout/")
