# SPDX-License-Identifier: Apache-2.0
"""@NAME@ answers "Hello, <path>!". Whatever is imported here is imported once, when the function is
deployed; wsgi.py calls the application for each request."""


def application(environ, start_response):
    name = environ["PATH_INFO"].removeprefix("/") or "world"
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello, {name}!\n".encode("latin-1")]
