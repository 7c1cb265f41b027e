"""Who acts in the demo: usernames of the local issuer, the working groups, and how each county answers its alerts."""

from enum import StrEnum
from typing import Any

from shared.contracts.counties import County

REGISTRY_CLERK = "registry_clerk"
PROVINCE_OFFICER = "province_officer"
NOTIFICATIONS_ADMIN = "notifications_admin"
CENTRE_MANAGER = "centre_manager"
OPERATOR = "operator"

CHAIR_POSITION = 2
OFFICES = (
    "legal_office",
    "province_office",
    "protection_office",
    "appeal_office",
    "casework_supervision",
    "complaints_office",
    "ops_office",
)
MAIL_DOMAIN = "payesh.example"

_FIRST_NAMES_FA = ("مریم", "حسین", "زهرا", "علی", "فاطمه", "رضا", "نرگس", "امیر")
_LAST_NAMES_FA = ("احمدی", "کریمی", "رستمی", "موسوی", "جعفری", "صادقی", "نادری", "یوسفی")
_NAMES_EN = ("Maryam Ahmadi", "Hossein Karimi", "Zahra Rostami", "Ali Mousavi", "Narges Sadeghi", "Amir Yousefi")


class Habit(StrEnum):
    """How the people of a county answer their alerts."""

    LINK = "link"
    """The first person presses the button behind the mail's link."""
    INBOX = "inbox"
    """The first person acknowledges in the inbox."""
    SECOND_PERSON = "second_person"
    """The first person does nothing; the second one, told by escalation, presses the button."""
    IGNORE = "ignore"
    """Nobody acts: every step of the chain is told."""


def habit_of(county: County) -> Habit:
    """Every habit occurs in four counties."""
    return tuple(Habit)[list(County).index(county) % len(Habit)]


def member_subject(county: County | None, position: int) -> str:
    """Sign-in name of the member at `position` (0-based) of a county's group, or of a provincial office."""
    return f"member{position + 1}.{county.value}" if county else f"member{position + 1}"


def member_email(group: str, position: int) -> str:
    return f"member{position + 1}.{group.replace('_', '-')}@{MAIL_DOMAIN}"


def position_of_email(email: str) -> int:
    """Place in the group's order, from an address that `member_email` made."""
    return int(email.partition(".")[0].removeprefix("member")) - 1


def working_group_body(group: str, county: County | None) -> dict[str, Any]:
    """Three members, Persian and English mixed, the chair last in the order."""
    offset = (list(County).index(county) if county else len(County)) + len(group)
    members: list[dict[str, Any]] = []
    for position in range(CHAIR_POSITION + 1):
        persian = (offset + position) % 3 != 0
        first, last = _FIRST_NAMES_FA[(offset + position) % 8], _LAST_NAMES_FA[(offset * 3 + position) % 8]
        members.append(
            {
                "name": f"{first} {last}" if persian else _NAMES_EN[(offset + position) % len(_NAMES_EN)],
                "role": "chair" if position == CHAIR_POSITION else "expert",
                "language": "fa" if persian else "en",
                "email": member_email(group, position),
                "position": position,
                "subject": member_subject(county, position),
            }
        )
    return {"members": members}


def escalation_policies(wait_s: int) -> dict[str, dict[str, Any]]:
    """The three policies that the routing rules name, with one wait (domain seconds) for every step. No acknowledgement
    lapses within the day, whose clock runs too fast for that."""

    def policy(repeats: int) -> dict[str, Any]:
        steps = [{"position": position, "wait_s": wait_s} for position in (0, 1, "chair")]
        return {"steps": steps, "repeats": repeats, "acknowledged_for_s": None}

    return {"standard": policy(0), "urgent": policy(1), "office": policy(0)}
