"""Counts as partners write them: whole numbers, 0 or more, in any digits; nothing is guessed."""

from shared.persian.numbers import NumberUnreadableError, read_number


class NotACountError(ValueError):
    """The cell is not one whole number, 0 or more."""


class NegativeCountError(NotACountError):
    """The cell is a number below 0."""


class FractionalCountError(NotACountError):
    """The cell is a number that is not whole."""


def read_count(value: str | float) -> int:
    """A cell as a whole number, 0 or more. Raises NegativeCountError, FractionalCountError or NotACountError."""
    try:
        number = read_number(value)
    except NumberUnreadableError as error:
        raise NotACountError("not a number in a known spelling") from error
    if number < 0:
        raise NegativeCountError("below 0")
    if number != number.to_integral_value():
        raise FractionalCountError("not whole")
    return int(number)
