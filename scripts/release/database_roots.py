"""Write shared/db/roots.pem: the CA certificates that verify RDS and RDS Proxy.

    curl -O https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
    python scripts/release/database_roots.py global-bundle.pem

Takes the root certificates of the bundle that have not expired (servers send the intermediates) and
Amazon's roots from certifi, which verify the certificates that RDS Proxy gets from ACM. The file
changes only when AWS opens a region.
"""

import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.paths import ROOT

TARGET = ROOT / "shared" / "db" / "roots.pem"
_WEB_ROOTS = ("Amazon Root CA ", "Starfield Services Root Certificate Authority")
_TEST_ROOTS = ("Amazon RDS Beta ", "Amazon RDS Preview ")


def common_name(certificate: x509.Certificate) -> str:
    """Common name of a certificate's subject."""
    attributes = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def select_roots(rds_bundle: bytes, web_bundle: bytes, now: datetime) -> list[x509.Certificate]:
    """The valid RDS roots of its bundle and Amazon's roots of the web bundle, by name."""
    roots = [
        certificate
        for certificate in x509.load_pem_x509_certificates(rds_bundle)
        if certificate.issuer == certificate.subject
        and certificate.not_valid_after_utc > now
        and common_name(certificate).startswith("Amazon RDS ")
        and not common_name(certificate).startswith(_TEST_ROOTS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some web roots have the serial number 0
        web_roots = x509.load_pem_x509_certificates(web_bundle)
    roots += [root for root in web_roots if common_name(root).startswith(_WEB_ROOTS)]
    return sorted(roots, key=common_name)


def main() -> int:
    """Write the file; returns the exit status."""
    bundle = Path(sys.argv[1]).read_bytes()
    roots = select_roots(bundle, Path(certifi.where()).read_bytes(), datetime.now(UTC))
    entries = [
        f"# {common_name(root)}\n{root.public_bytes(Encoding.PEM).decode()}" for root in roots
    ]
    TARGET.write_text("".join(entries), encoding="ascii")
    print(f"{len(roots)} root certificates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
