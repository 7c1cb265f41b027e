"""Invented people whose every trace can be found again: names, numbers, addresses, as people and programs write them."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

LATIN_STEM = "Qandehrza"
PERSIAN_STEM = "قندهرزا"
"""Begins every canary's surname and street; no word of the software contains it."""
_LATIN_LETTERS = "bdfgjlmnrs"
_PERSIAN_LETTERS = "بدفگجلمنرس"
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@dataclass(frozen=True, slots=True)
class Identity:
    """One person who does not exist."""

    number: int

    @property
    def name_latin(self) -> str:
        return "Maryam " + LATIN_STEM + "".join(_LATIN_LETTERS[int(digit)] for digit in f"{self.number:05}")

    @property
    def name_persian(self) -> str:
        return "مریم " + PERSIAN_STEM + "".join(_PERSIAN_LETTERS[int(digit)] for digit in f"{self.number:05}")

    @property
    def national_id(self) -> str:
        """Ten digits of which the last is the check digit."""
        head = f"97{self.number * 97 % 10_000_000:07}"
        remainder = sum(int(digit) * weight for digit, weight in zip(head, range(10, 1, -1), strict=True)) % 11
        return head + str(remainder if remainder < 2 else 11 - remainder)

    @property
    def foreign_id(self) -> str:
        """Twelve digits, as identity numbers of foreign nationals have."""
        return f"4917{self.number * 89 % 100_000_000:08}"

    @property
    def phone(self) -> str:
        return f"0937{self.number * 83 % 10_000_000:07}"

    @property
    def address(self) -> str:
        return f"ری، خیابان {self.name_persian.split()[1]}، پلاک ۷"

    @property
    def numbers(self) -> tuple[str, ...]:
        """What is searched for in rows of digits; the telephone number without its prefix."""
        return self.national_id, self.foreign_id, self.phone[1:]

    def writings(self) -> Iterator[str]:
        """The person as forms, people and programs write one."""
        yield self.name_persian
        yield self.national_id
        yield self.name_latin
        yield self.foreign_id
        yield self.phone
        yield self.address
        yield self.national_id.translate(_PERSIAN_DIGITS)
        yield f"+98{self.phone[1:]}"
        yield self.foreign_id.translate(_ARABIC_DIGITS)
        yield f"{self.name_latin.split()[1]}.{self.national_id}@mail.example"
        yield base64.b64encode(f"{self.name_persian} {self.national_id}".encode()).decode()


def identities(count: int, first: int = 0) -> list[Identity]:
    """`count` different people, numbered from `first`."""
    return [Identity(number) for number in range(first, first + count)]
