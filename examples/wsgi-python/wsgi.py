# SPDX-License-Identifier: Apache-2.0
"""What is above the checkpoint is done once, when the function is deployed; each request goes on
below it."""
import os
import random
import sys

sys.path.insert(0, "/")
from app import application  # noqa: E402


def read(name):
    with open(f"/dev/skerry/{name}", "rb", buffering=0) as file:
        return file.readall()


def start_response(status, headers, exc_info=None):
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    sys.stdout.buffer.write(f"Status: {status}\r\n{head}\r\n".encode("latin-1"))
    return sys.stdout.buffer.write


read("checkpoint")
random.seed()
environ = dict(row.split("=", 1) for row in read("environ").decode("latin-1").split("\0") if row)
os.environ.update(environ)
environ.update({
    "wsgi.version": (1, 0), "wsgi.multithread": False, "wsgi.multiprocess": True,
    "wsgi.run_once": True, "wsgi.errors": sys.stderr,
    "wsgi.url_scheme": "https" if environ.get("HTTPS") == "on" else "http",
    "wsgi.input": open("/dev/skerry/stdin", "rb"),
})
for piece in application(environ, start_response):
    sys.stdout.buffer.write(piece)
sys.stdout.flush()
read("exit")  # Python would tear down what nobody needs again
