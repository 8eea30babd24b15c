"""Before the doors open: accounts and a group made by code, without any request."""

from tour.cast import Cast
from tour.scenes import Chapter

CHAPTER = Chapter("Before the doors open, a script")


@CHAPTER.scene(
    "makes a group that may see the register",
    "authz.group.created",
    "authz.group.permission_granted",
)
def _(cast: Cast) -> None:
    cast.found_librarians()


@CHAPTER.scene("makes accounts for four members", *["account.created"] * 4)
def _(cast: Cast) -> None:
    for member in (cast.amara, cast.daniel, cast.lena, cast.victor):
        cast.enrol(member, is_active=member is not cast.victor)


@CHAPTER.scene("makes one for Tomas, at the desk", "account.created", *["authz.role.granted"] * 2)
def _(cast: Cast) -> None:
    cast.enrol(cast.tomas, is_staff=True)
    cast.appoint(cast.tomas)


@CHAPTER.scene("makes one for Ingrid, the admin", "account.created", *["authz.role.granted"] * 2)
def _(cast: Cast) -> None:
    cast.enrol(cast.admin, is_staff=True, is_superuser=True)
