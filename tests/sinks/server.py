"""Receivers in processes of their own, to be killed: ``python -m tests.sinks.server KIND ...``.

Each writes what it got to a file and syncs it before it answers, one line an entry.
"""

import gzip
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

ROOT = Path(__file__).resolve().parent.parent.parent


def certificate_for(host, folder):
    """Return the files of an authority made for a test, and of a server that it vouches for."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert(host)
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder / "ca.pem", folder / "server.pem"


class Server:
    """A receiver of `kind`, started, killed and started again by a test."""

    def __init__(self, kind, folder, certificate=""):
        self.kind, self.certificate = kind, str(certificate)
        self.file = folder / f"{kind}-{os.urandom(4).hex()}.received"
        self.file.touch()
        self.port = free_port()
        self.process = None

    @property
    def arguments(self):
        return self.kind, str(self.port), str(self.file), self.certificate

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sinks.server", *self.arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"
        return self

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()

    @property
    def lines(self):
        whole, _, _ = self.file.read_text("utf-8").rpartition("\n")
        return whole.splitlines()


def free_port():
    """Return a port that no connection takes while the server is down: not an ephemeral one."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


storing = threading.Lock()


def store(path, lines):
    data = "".join(f"{line}\n" for line in lines).encode()
    # In one piece: a killed shipper's last request may still be on its way beside the next one's.
    with storing, open(path, "ab", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())


def items_of(headers, body):
    """Return what an HTTP intake finds in a body, as lines."""
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if "protobuf" in headers["Content-Type"]:
        return list(log_records(body))
    if headers["Content-Type"] == "application/json" and body.startswith(b"["):
        return [json.dumps(item) for item in json.loads(body)]
    return body.decode().splitlines()


def log_records(body):
    from google.protobuf.json_format import MessageToJson
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield MessageToJson(record, indent=None)


class Intake(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        store(self.server.path, items_of(self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def serve_http(port, path, context):
    server = ThreadingHTTPServer(("127.0.0.1", port), Intake)
    server.path = path
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    os.write(1, b"ready\n")
    server.serve_forever()


def serve_syslog(port, path, context):
    with socket.create_server(("127.0.0.1", port)) as listening:
        os.write(1, b"ready\n")
        while True:
            connection, _ = listening.accept()
            with connection:
                receive_syslog(connection, path, context)


def receive_syslog(connection, path, context):
    if context:
        connection = context.wrap_socket(connection, server_side=True)
    data = b""
    while piece := connection.recv(2048):
        data += piece
        frames, data = split(data)
        store(path, frames)
    if context:
        connection.unwrap()
    connection.close()


def split(data):
    """Return the whole frames of RFC 6587 at the start of `data`, and the rest."""
    frames = []
    while b" " in data:
        length, _, rest = data.partition(b" ")
        if len(rest) < int(length):
            break
        frames.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return frames, data


if __name__ == "__main__":
    kind, port, path, certificate = sys.argv[1:]
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    {"http": serve_http, "syslog": serve_syslog}[kind](int(port), path, context)
