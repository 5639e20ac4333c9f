"""`python -m workshop` and `workshop`: looks at Python's version, then runs the command."""

import sys


def run():
    """Runs the command; says so where Python is too old to read the rest."""
    if sys.version_info < (3, 10):
        name = "%d.%d" % sys.version_info[:2]
        sys.exit("The workshop needs Python 3.10 or newer, and this is " + name + ".")
    from .cli import main

    sys.exit(main())


if __name__ == "__main__":
    run()
