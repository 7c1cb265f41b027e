"""Speed of the spine beside hand-written peers, on real components: `python -m tests.bench --help`."""
