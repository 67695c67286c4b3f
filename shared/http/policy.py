"""Headers that tell browsers what a page may load and who may show it in a frame."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

Headers = list[tuple[bytes, bytes]]
CONTENT_SECURITY_POLICY = b"content-security-policy"
_FEATURES = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "serial", "usb"),
)


def source_hash(source: str) -> str:
    """The CSP source of one inline script or style."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def plain_policy(*, styles: Sequence[str] = ()) -> str:
    """The policy of JSON, and of pages without scripts.

    Args:
        styles: the contents of all their style elements.
    """
    allowed = " ".join(source_hash(style) for style in styles) or "'none'"
    return (
        f"default-src 'none'; style-src {allowed}; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


def security_headers(policy: str, *, framed: bool = False) -> Headers:
    """The headers of every answer.

    Args:
        policy: its content security policy.
        framed: whether pages of other sites may show it in a frame, as the policy says.
    """
    texts = {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "permissions-policy": ", ".join(f"{name}=()" for name in _FEATURES),
        "cross-origin-resource-policy": "same-origin",
    }
    if not framed:
        texts |= {"x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin"}
    return [(name.encode(), value.encode()) for name, value in texts.items()]
