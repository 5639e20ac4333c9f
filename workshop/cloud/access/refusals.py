"""What AWS answers to a signature that is wrong, and to a body that is too large.

Error codes and messages follow "Troubleshoot Signature Version 4 signing for AWS API requests"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html) and "Error
responses" of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
"""

from __future__ import annotations

from ..base.model import ApiError
from ..base.reading import TooLarge

# In the errors of these, a wrong signature has the code that it has in S3
QUERY_SERVICES = ("iam", "sts", "sns", "ec2", "cloudformation", "autoscaling", "rds")


def wrong(service: str) -> ApiError:
    """Of a signature that another secret made, or of another request."""
    words = "The request signature we calculated does not match the signature you provided. Check "
    if service == "s3":
        return ApiError(403, "SignatureDoesNotMatch", words + "your key and signing method.")
    return invalid(
        service,
        f"{words}your AWS Secret Access Key and signing method. Consult the service documentation "
        "for details.",
    )


def invalid(service: str, message: str) -> ApiError:
    """Of a signature that cannot be right, for the reason in `message`."""
    named_otherwise = service in ("s3", *QUERY_SERVICES)
    code = "SignatureDoesNotMatch" if named_otherwise else "InvalidSignatureException"
    return ApiError(403, code, message)


def too_large(service: str | None, error: TooLarge) -> ApiError:
    """What a service answers to a body over its limit."""
    if service == "s3":
        message = "Your proposed upload exceeds the maximum allowed object size"
        return ApiError(400, "EntityTooLarge", f"{message} ({error.limit} bytes here).")
    return ApiError(413, "RequestEntityTooLargeException", str(error))
