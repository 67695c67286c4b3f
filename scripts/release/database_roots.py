"""Make shared/db/roots.pem: what a connection to RDS or RDS Proxy is proved by.

    curl -O https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
    python scripts/release/database_roots.py global-bundle.pem

Takes the roots of the bundle that are valid still (an intermediate comes with the handshake), and
Amazon's own roots from certifi, by which RDS Proxy is proved: its certificates are ACM's. The file
changes when AWS opens a region, and then only.
"""

import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

ROOTS = Path(__file__).resolve().parents[2] / "shared" / "db" / "roots.pem"
_TRUST_SERVICES = ("Amazon Root CA ", "Starfield Services Root Certificate Authority")
_NOT_OURS = ("Amazon RDS Beta ", "Amazon RDS Preview ")


def name_of(certificate: x509.Certificate) -> str:
    """Common name of the subject."""
    attributes = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def roots(bundle: bytes, web: bytes, now: datetime) -> list[x509.Certificate]:
    """Valid roots of RDS out of its bundle, and Amazon's out of the web's, by name."""
    found = [
        each
        for each in x509.load_pem_x509_certificates(bundle)
        if each.issuer == each.subject
        and each.not_valid_after_utc > now
        and name_of(each).startswith("Amazon RDS ")
        and not name_of(each).startswith(_NOT_OURS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some root of the web has a serial number of zero
        others = x509.load_pem_x509_certificates(web)
    found += [each for each in others if name_of(each).startswith(_TRUST_SERVICES)]
    return sorted(found, key=name_of)


def main() -> int:
    """Write the file."""
    bundle = Path(sys.argv[1]).read_bytes()
    found = roots(bundle, Path(certifi.where()).read_bytes(), datetime.now(UTC))
    lines = [f"# {name_of(each)}\n{each.public_bytes(Encoding.PEM).decode()}" for each in found]
    ROOTS.write_text("".join(lines), encoding="ascii")
    print(f"{len(found)} roots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
