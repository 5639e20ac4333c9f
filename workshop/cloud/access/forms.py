"""Forms that a browser posts to an S3 bucket: their fields, and the policy that they must keep.

Follows "POST policy" (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html)
and "POST Object" (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html): the file
is the last field, so that a form can be checked before the file is read.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from ..base.json_text import from_json
from ..base.model import ApiError

LARGEST_FIELDS = 64 * 1024  # bytes before the file; S3 allows 20 KB
NEED_NO_CONDITION = {"awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"}


@dataclass(frozen=True)
class Form:
    """A form's fields, by their names in small letters; the file's name, and its size in bytes."""

    fields: dict[str, str]
    filename: str = ""
    file_size: int = 0

    @property
    def key(self) -> str:
        """The object's key."""
        return self.fields.get("key", "").replace("${filename}", self.filename)


def is_form(environ: dict[str, Any]) -> bool:
    """Whether a request posts a form."""
    kind = environ.get("CONTENT_TYPE", "").lower()
    return environ["REQUEST_METHOD"] == "POST" and kind.startswith("multipart/form-data")


def read_form(content_type: str, body: bytes) -> Form:
    """A form, or the beginning of one. Raises ApiError for one that can be read in two ways."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    decoder = MultipartDecoder(boundary.encode(), max_parts=100)
    fields: dict[str, bytes] = {}
    name, filename, size = "", "", 0
    try:
        decoder.receive_data(body)
        event = decoder.next_event()
        while not isinstance(event, (NeedData, Epilogue)):
            if isinstance(event, (Field, File)):
                if name == "file" or event.name.lower() in fields:
                    raise ValueError("each field stands in it once, and the file comes last")
                name = event.name.lower()
                filename = event.filename if isinstance(event, File) else ""
                fields[name] = b""
            elif isinstance(event, Data) and name == "file":
                size += len(event.data)
            elif isinstance(event, Data):
                fields[name] += event.data
            event = decoder.next_event()
    except ValueError as error:
        message = f"The body of your POST request is not well-formed multipart/form-data: {error}"
        raise ApiError(400, "MalformedPOSTRequest", message) from None
    fields.pop("file", None)
    texts = {name: value.decode("utf-8", "replace") for name, value in fields.items()}
    return Form(texts, filename, size)


def check_policy(form: Form, bucket: str) -> None:
    """Raises ApiError unless the form's fields keep its policy."""
    policy = _policy(form)
    if _end(policy) < datetime.now(timezone.utc):
        raise _denied("Policy expired.")
    values = {**form.fields, "bucket": bucket}
    named = set()
    for kind, name, value in _conditions(policy):
        named.add(name)
        given = values.get(name, "")
        if not (given.startswith(value) if kind == "starts-with" else given == value):
            raise _denied(f'Policy Condition failed: ["{kind}", "${name}", "{value}"]')
    for name in sorted(values.keys() - named - NEED_NO_CONDITION):
        if not name.startswith("x-ignore-"):
            raise _denied(f"Extra input fields: {name}")


def check_size(form: Form) -> None:
    """Raises ApiError unless the file has a size that the policy allows."""
    for condition in _policy(form).get("conditions", []):
        if not (isinstance(condition, list) and condition[0] == "content-length-range"):
            continue
        try:
            least, most = int(condition[1]), int(condition[2])
        except (IndexError, TypeError, ValueError):
            raise _invalid("content-length-range takes two numbers") from None
        if form.file_size > most:
            message = "Your proposed upload exceeds the maximum allowed size"
            raise ApiError(400, "EntityTooLarge", message)
        if form.file_size < least:
            message = "Your proposed upload is smaller than the minimum allowed size"
            raise ApiError(400, "EntityTooSmall", message)


def _policy(form: Form) -> dict[str, Any]:
    try:
        policy = from_json(base64.b64decode(form.fields.get("policy", ""), validate=True))
    except ValueError:
        raise _invalid("it is not base64 of JSON") from None
    if not isinstance(policy, dict) or not isinstance(policy.get("conditions", []), list):
        raise _invalid("it is an object with a list of conditions")
    return policy


def _end(policy: dict[str, Any]) -> datetime:
    try:
        end = datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00"))
    except (KeyError, AttributeError, ValueError):
        raise _invalid("its expiration is no time") from None
    return end if end.tzinfo else end.replace(tzinfo=timezone.utc)


def _conditions(policy: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How each field is compared ("eq" or "starts-with"), its name in small letters, the value."""
    found = []
    for condition in policy.get("conditions", []):
        if isinstance(condition, dict):
            found += [("eq", str(name).lower(), str(v)) for name, v in condition.items()]
        elif isinstance(condition, list) and len(condition) == 3:
            kind, name, value = map(str, condition)
            if kind.lower() == "content-length-range":
                continue
            found.append((kind.lower(), name.removeprefix("$").lower(), value))
        else:
            raise _invalid("a condition is an object, or a list of three")
    if any(kind not in ("eq", "starts-with") for kind, _, _ in found):
        raise _invalid("conditions are eq, starts-with and content-length-range")
    return found


def _denied(why: str) -> ApiError:
    return ApiError(403, "AccessDenied", f"Invalid according to Policy: {why}")


def _invalid(why: str) -> ApiError:
    return ApiError(400, "InvalidPolicyDocument", f"The form's policy is not valid: {why}.")
