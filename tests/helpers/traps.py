"""A learner's machine full of ways to an account, each of which notes that it was taken.

A false home with profiles, credentials, a program that hands out credentials and an alias of the
AWS CLI; AWS variables of every kind; and a server that is a false metadata service, a false
container, a false endpoint and a false proxy at once.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SECRET = "/" + secrets.token_hex(8)
CONFIG = """
[default]
region = eu-west-1
endpoint_url = {url}
credential_process = {program}
[profile work]
region = eu-west-1
endpoint_url = {url}
credential_process = {program}
[profile of-sso]
sso_start_url = {url}/sso
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = admin
"""
KEYS = "[{}]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
ALIAS = "[toplevel]\nsqs = !{program}\nlambda = !{program}\n"


class Traps:
    """`environ` is that of the machine; `taken()` says which ways were tried."""

    def __init__(self, folder: Path) -> None:
        self._requests: list[str] = []
        self._mark = folder / "a program ran"
        traps = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                # Tests that run beside this one may look what listens here; they know no secret.
                if SECRET in self.path or "://" in self.path or self.command == "CONNECT":
                    traps._requests.append(f"{self.command} {self.path.replace(SECRET, '')}")
                self.send_error(500)

            do_GET = do_PUT = do_POST = do_CONNECT = do_DELETE = do_HEAD = answer

            def log_message(self, format: str, *arguments: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = self._proxy + SECRET
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.home = folder / "home"
        self._make_home()
        self.environ = self._environ()

    def taken(self) -> list[str]:
        """The requests that came to the server, and the mark of the program."""
        return self._requests + ([self._mark.name] if self._mark.exists() else [])

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()

    def _make_home(self) -> None:
        program = self.home / "program.py"
        aws = self.home / ".aws"
        (aws / "cli").mkdir(parents=True)
        program.write_text(f"open({str(self._mark)!r}, 'w').close()\n", encoding="utf-8")
        command = f'"{sys.executable}" "{program}"'
        (aws / "config").write_text(CONFIG.format(url=self.url, program=command), encoding="utf-8")
        (aws / "credentials").write_text(KEYS.format("work"), encoding="utf-8")
        (aws / "cli" / "alias").write_text(ALIAS.format(program=command), encoding="utf-8")
        (self.home / ".boto").write_text(KEYS.format("Credentials"), encoding="utf-8")

    def _environ(self) -> dict[str, str]:
        ours = ("AWS_", "BOTO_")
        kept = {name: v for name, v in os.environ.items() if not name.startswith(ours)}
        proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
        for name in ("NO_PROXY", "no_proxy", "PYTEST_ADDOPTS"):
            kept.pop(name, None)
        return {
            **kept,
            **dict.fromkeys(proxies, self._proxy),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "AWS_PROFILE": "work",
            "AWS_ACCESS_KEY_ID": "AKIAREAL",
            "AWS_SECRET_ACCESS_KEY": "real",
            "AWS_SESSION_TOKEN": "real",
            "AWS_CONFIG_FILE": str(self.home / ".aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / ".aws" / "credentials"),
            "AWS_ENDPOINT_URL_LAMBDA": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.home / ".boto"),
            "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/real",
            "BOTO_CONFIG": str(self.home / ".boto"),
        }
