"""An HTTP answer that a part of the cloud makes itself."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

NO_BODY = (204, 304)


class Answer(Response):
    """werkzeug's Response, whose headers leave as they are, in UTF-8, and none is made up."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """The headers as WSGI wants them; werkzeug would rewrite addresses in them."""
        if not "".join(self.headers.values()).isascii():
            self.headers = Headers([(k, v.encode().decode("latin-1")) for k, v in self.headers])
        if self.status_code in NO_BODY:
            self.headers.remove("Content-Length")
        return self.headers
