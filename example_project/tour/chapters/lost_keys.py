"""Lost keys: passwords reset through the e-mailed link, and passwords changed."""

from tour.cast import Cast, dispute_page, link_in_newest_letter
from tour.chapters.front_door import LOGIN, sign_in
from tour.scenes import Chapter
from tour.visitor import TourError

CHAPTER = Chapter("Lost keys")
RESET = "/reset/"
SENT = "/reset/sent/"
CHANGE = "/accounts/password/"
ACTIVITY = "/security/"


@CHAPTER.scene("Lena has forgotten her password", "auth.password_reset.requested")
def _(cast: Cast) -> None:
    cast.lena_browser.submit(RESET, {"email": cast.lena.email}, arrives=SENT)
    cast.reset_link = link_in_newest_letter()


@CHAPTER.scene("Somebody asks for an address we do not know", "auth.password_reset.requested")
def _(cast: Cast) -> None:
    cast.crawler.submit(RESET, {"email": "nobody@harbour.example"}, arrives=SENT)


@CHAPTER.scene("Lena follows the link in the letter", "auth.password_reset.completed")
def _(cast: Cast) -> None:
    password = cast.lena.choose_password()
    typed = {"new_password1": password, "new_password2": password}
    cast.lena_browser.submit(cast.reset_link, typed, arrives="/reset/done/")


@CHAPTER.scene("She follows it again", "auth.password_reset.failure")
def _(cast: Cast) -> None:
    cast.lena_browser.get(cast.reset_link)


@CHAPTER.scene("She signs in with the new password", "auth.login.success")
def _(cast: Cast) -> None:
    sign_in(cast.lena_browser, cast.lena)


@CHAPTER.scene("So does somebody who looked over her shoulder", "auth.login.success")
def _(cast: Cast) -> None:
    sign_in(cast.thief, cast.lena)


@CHAPTER.scene(
    "Lena looks at her recent activity: that wasn't her",
    "auth.password.changed",
    "auth.session.revoked",
    "account.activity_disputed",
    "auth.logout",
)
def _(cast: Cast) -> None:
    activity = cast.lena_browser.get(ACTIVITY).text
    page = dispute_page(activity, cast.thief.address)
    cast.lena_browser.submit(page, {}, action=page, arrives="/security/not-me/done/")


@CHAPTER.scene("The thief's browser is signed out")
def _(cast: Cast) -> None:
    if cast.thief.get("/reading-room/").path != LOGIN:
        raise TourError("the thief is still in the reading room")


@CHAPTER.scene(
    "Lena chooses another password and signs in again",
    "auth.password_reset.requested",
    "auth.password_reset.completed",
    "auth.login.success",
)
def _(cast: Cast) -> None:
    cast.lena_browser.submit(RESET, {"email": cast.lena.email}, arrives=SENT)
    password = cast.lena.choose_password()
    typed = {"new_password1": password, "new_password2": password}
    cast.lena_browser.submit(link_in_newest_letter(), typed, arrives="/reset/done/")
    sign_in(cast.lena_browser, cast.lena)


@CHAPTER.scene("Amara changes hers, with the old one wrong", "auth.password.change_failure")
def _(cast: Cast) -> None:
    password = cast.lena.former_passwords[0]
    typed = {"old_password": password, "new_password1": password, "new_password2": password}
    cast.amara_browser.submit(CHANGE, typed, arrives=CHANGE)


@CHAPTER.scene("Amara changes it properly", "auth.password.changed")
def _(cast: Cast) -> None:
    old, new = cast.amara.password, cast.amara.choose_password()
    typed = {"old_password": old, "new_password1": new, "new_password2": new}
    cast.amara_browser.submit(CHANGE, typed, arrives="/accounts/password/done/")
