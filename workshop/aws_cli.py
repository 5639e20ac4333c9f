"""The `aws` command of the workshop: AWS's own, kept to the local cloud.

Three things of AWS CLI version 1 would lead elsewhere, whatever AWS_ENDPOINT_URL says:

- for sqs, emr, rds, docdb, neptune and health it puts an address of AWS's on its command line;
- an alias in ~/.aws/cli/alias may stand for any command, or take the place of one;
- without AWS_ENDPOINT_URL it goes to the account of ~/.aws. Here it says what is missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from .cloud.base.variables import NO_PROFILE, is_loopback, no_account, replace, scrubbed

# What the command takes over from its surroundings; all else of AWS's is left out.
KEPT = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_DEFAULT_OUTPUT",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_PAGER",
)


def environ_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that the command runs with: those of a cloud on this machine, or of none."""
    if not is_loopback(environ.get("AWS_ENDPOINT_URL", "")):
        return no_account(environ)
    kept = {name: environ[name] for name in KEPT if name in environ}
    return scrubbed(environ) | kept | NO_PROFILE


def prepare() -> None:
    """Imports AWS's command line, without what leads elsewhere."""
    import awscli.alias
    from awscli.customizations import overridesslcommonname

    overridesslcommonname.SSL_COMMON_NAMES.clear()
    awscli.alias.AliasLoader.get_aliases = lambda self: {}


def run() -> int:
    """Runs the command of sys.argv; returns its exit code."""
    replace(os.environ, environ_of(os.environ))
    prepare()
    import awscli.clidriver

    return awscli.clidriver.main()


if __name__ == "__main__":
    sys.exit(run())
