"""Doors that stay closed: each way in which Django refuses a request."""

from tour.cast import Cast
from tour.scenes import Chapter

CHAPTER = Chapter("Closed doors")


@CHAPTER.scene("Amara knocks at the desk: 403", "authz.forbidden")
def _(cast: Cast) -> None:
    cast.amara_browser.get("/desk/", status=403)


@CHAPTER.scene("Daniel tries the stacks: back to the login page", "authz.forbidden")
def _(cast: Cast) -> None:
    cast.daniel_browser.get("/stacks/")


@CHAPTER.scene("A crawler reads the members' feed: 401", "authz.unauthenticated")
def _(cast: Cast) -> None:
    cast.crawler.get("/reading-room/feed.json", status=401)


@CHAPTER.scene("It posts a form that it never opened: CSRF", "authz.csrf_rejected")
def _(cast: Cast) -> None:
    typed = {"username": "admin", "password": "admin"}
    cast.crawler.post("/accounts/login/", typed, status=403)


@CHAPTER.scene("It asks for another host: 400", "security.suspicious_request")
def _(cast: Cast) -> None:
    cast.crawler.get("/reset/", status=400, host="harbour.attacker.example")


@CHAPTER.scene("It asks for a page that is not there: no matter of the log")
def _(cast: Cast) -> None:
    cast.crawler.get("/wp-login.php", status=404)
