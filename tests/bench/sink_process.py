"""The launcher's SMTP sink in a process of its own: `python -m tests.bench.sink_process MAILBOX_DIRECTORY`.

Prints its port once it listens, and ends when its standard input does: it never outlives who started it.
"""

import sys
from pathlib import Path

from deploy.embedded.smtp_sink import SmtpSink


def main(mailbox_directory: str) -> None:
    """Serve on a free port until standard input ends."""
    sink = SmtpSink("127.0.0.1", 0, Path(mailbox_directory))
    sink.start()
    try:
        print(sink.port, flush=True)
        sys.stdin.read()
    finally:
        sink.stop()


if __name__ == "__main__":
    main(sys.argv[1])
