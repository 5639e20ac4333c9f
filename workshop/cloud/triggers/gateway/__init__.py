"""HTTP triggers: REST APIs and HTTP APIs of API Gateway, and function URLs.

`gateway.py` takes a request in; `rest.py`, `http_api.py` and `function_url.py` serve it. Their
events are built in `payload_v1.py` and `payload_v2.py`, their answers in `results.py`.
"""
