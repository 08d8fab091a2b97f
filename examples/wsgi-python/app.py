# SPDX-License-Identifier: Apache-2.0
"""Whatever is imported here is imported once, when the function is deployed."""
import json
import random
import secrets
from urllib.parse import parse_qs


def application(environ, start_response):
    if environ["PATH_INFO"] != "/":
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not here\n"]
    answer = {"method": environ["REQUEST_METHOD"], "query": parse_qs(environ["QUERY_STRING"]),
              "sent": environ["wsgi.input"].read().decode(), "draw": random.random(),
              "token": secrets.token_hex(8)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode(), b"\n"]
