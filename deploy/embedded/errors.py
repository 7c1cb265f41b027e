"""What can stop a start, said so that the reader knows what to do next."""


class LauncherError(Exception):
    """A start that cannot go on. The message is shown to a person as it is: what is wrong, then what to do."""
