"""What can stop a start, said so that the reader knows what to do next."""

from collections.abc import Iterator
from typing import cast


class LauncherError(Exception):
    """A start that cannot go on. The message is shown to a person as it is: what is wrong, then what to do."""


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The single errors of a group of groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from leaves(part)
    else:
        yield error
