"""The checks of RDS Proxy, in front of the real PostgreSQL.

A client must use TLS and send an IAM token as its password: for this endpoint and user, signed with
the right key, and not expired. Then it is connected to the server, which trusts the user. Tokens
and startup messages are recorded.
"""

import datetime as dt
import socket
import ssl
import struct
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes.relay import Relay

_SSL_REQUEST = 80877103
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
REGION = "eu-west-1"


class RdsProxy(Relay):
    """``tokens``: accepted tokens; ``startups``: startup parameters of clients."""

    def __init__(self, server, folder, *, name="localhost"):
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca_file = make_certificates(folder, name)
        self._tls.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.tokens, self.refused, self.startups = [], [], []
        super().__init__(server)

    def connect(self, client):
        length, code = struct.unpack("!ii", _receive(client, 8))
        if code != _SSL_REQUEST:  # plain text
            self.refused.append("no TLS")
            return None
        client.sendall(b"S")
        try:
            near = self._tls.wrap_socket(client, server_side=True)
        except ssl.SSLError:  # the client rejects the certificate
            self.refused.append("certificate")
            return None
        startup = _receive(near, 4)
        startup += _receive(near, struct.unpack("!i", startup)[0] - 4)
        parts = startup[8:].split(b"\0")
        parameters = dict(
            zip(map(bytes.decode, parts[::2]), map(bytes.decode, parts[1::2]), strict=False)
        )
        self.startups.append(parameters)
        near.sendall(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
        kind, length = struct.unpack("!ci", _receive(near, 5))
        token = _receive(near, length - 4)[:-1].decode()
        if kind != b"p" or not self._is_valid(token, parameters["user"]):
            self.refused.append("token")
            message = b"SFATAL\0C28P01\0MPAM authentication failed\0\0"
            near.sendall(b"E" + struct.pack("!i", len(message) + 4) + message)
            return None
        self.tokens.append(token)
        far = socket.create_connection(self._server)
        far.sendall(startup)
        return near, far

    def _is_valid(self, token, user):
        """Return whether the right key signed the token for this endpoint and user."""
        parameters = parse_qs(urlsplit("https://" + token).query)
        signed_at = dt.datetime.strptime(parameters["X-Amz-Date"][0] + "+0000", "%Y%m%dT%H%M%SZ%z")
        age = dt.datetime.now(dt.UTC) - signed_at
        if not 0 <= age.total_seconds() + 2 < int(parameters["X-Amz-Expires"][0]):
            return False
        url = f"https://localhost:{self.port}/?Action=connect&DBUser={user}"
        request = AWSRequest("GET", url)
        signer = SigV4QueryAuth(KEYS, "rds-db", REGION, expires=900)
        expected = _signed_url(signed_at, signer, request)
        return parse_qs(urlsplit(expected).query) == parameters


def _signed_url(signed_at, signer, request):
    with patch("botocore.auth.get_current_datetime", lambda: signed_at):
        signer.add_auth(request)
    return request.url


def _receive(stream, count):
    received = b""
    while len(received) < count:
        data = stream.recv(count - len(received))
        if not data:
            raise ConnectionError
        received += data
    return received


def make_certificates(folder, name):
    """Write server.pem and server.key for a name; returns the file of the signing authority."""
    authority, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Made Root CA 1")])

    def certificate(subject, key, extension):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(authority, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    host = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    (folder / "server.pem").write_bytes(certificate(host, key, names))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    root = certificate(issuer, authority, x509.BasicConstraints(ca=True, path_length=0))
    (folder / "root.pem").write_bytes(root)
    return folder / "root.pem"
