"""When a request was signed, and whether that is too long ago.

AWS takes a signature for 15 minutes, and a presigned URL for as long as it says, a week at most
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs

from ..base.model import ApiError
from .credentials import Signature
from .refusals import invalid

SKEW_S = 15 * 60
LONGEST_S = 7 * 24 * 3600  # of a presigned URL
TIMESTAMP = "%Y%m%dT%H%M%SZ"


def moment_of(environ: dict[str, Any], signed: Signature) -> datetime:
    """When a request was signed. Raises ApiError."""
    if signed.way == "url":
        query = parse_qs(environ.get("QUERY_STRING", ""))
        text = query.get("X-Amz-Date", [""])[0]
    else:
        text = environ.get("HTTP_X_AMZ_DATE", "")
    try:
        if not text and signed.way == "header":
            moment = parsedate_to_datetime(environ.get("HTTP_DATE", ""))
        else:
            moment = datetime.strptime(text, TIMESTAMP).replace(tzinfo=timezone.utc)
    except (ValueError, TypeError):
        message = (
            "Authorization header requires existence of either a 'X-Amz-Date' or 'Date' header."
        )
        raise ApiError(403, "IncompleteSignatureException", message) from None
    if moment.strftime("%Y%m%d") != signed.date:
        raise invalid(
            signed.service,
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{signed.date}' != '{moment:%Y%m%d}', from '{moment:%Y%m%dT%H%M%SZ}'.",
        )
    return moment


def check_time(environ: dict[str, Any], signed: Signature, moment: datetime) -> None:
    """Raises ApiError for a signature of another time, and for a presigned URL that has expired."""
    now = time.time()
    age = now - moment.timestamp()
    if signed.way == "url":
        _check_expiry(environ, age)
    elif abs(age) > SKEW_S:
        raise _skewed(signed.service, moment, now, age > 0)


def _check_expiry(environ: dict[str, Any], age: float) -> None:
    text = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Expires", [""])[0]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= LONGEST_S):
        raise ApiError(
            400,
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be a number of seconds from 1 to 604800 (a week)",
        )
    if age > int(text):
        raise ApiError(403, "AccessDenied", "Request has expired")
    if age < -SKEW_S:
        raise ApiError(403, "AccessDenied", "Request is not yet valid")


def _skewed(service: str, moment: datetime, now: float, is_late: bool) -> ApiError:
    if service == "s3":
        message = "The difference between the request time and the current time is too large."
        return ApiError(403, "RequestTimeTooSkewed", message)
    stamp, today = moment.strftime(TIMESTAMP), _stamp(now)
    if is_late:
        edge = _stamp(now - SKEW_S)
        why = f"Signature expired: {stamp} is now earlier than {edge} ({today} - 15 min.)"
    else:
        edge = _stamp(now + SKEW_S)
        why = f"Signature not yet current: {stamp} is still later than {edge} ({today} + 15 min.)"
    return invalid(service, why)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(TIMESTAMP)
