"""Write the source bundle for Elastic Beanstalk.

    python scripts/release/bundle_beanstalk.py [FILE]

The bundle is docker-compose.prod.yml with the name that Elastic Beanstalk expects, the
configuration of the proxy, and deploy/beanstalk/. The same files give the same bytes.
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TIME = (1980, 1, 1, 0, 0, 0)
_HOOK = ".platform/hooks/prebuild/10_secrets.sh"


def contents() -> dict[str, tuple[Path, int]]:
    """Name in the bundle → the file, and its permissions."""
    extensions = ROOT / "deploy/beanstalk"
    names = {"docker-compose.yml": (ROOT / "docker-compose.prod.yml", 0o644)}
    for name in ("access.conf", "keys.conf", "nginx.conf"):
        names[f"deploy/compose/{name}"] = (ROOT / "deploy/compose" / name, 0o644)
    options = ".ebextensions/reviewlens.config"
    names[options] = (extensions / options, 0o644)
    # a change of properties runs other hooks than a deployment
    for hook in (_HOOK, _HOOK.replace("/hooks/", "/confighooks/")):
        names[hook] = (extensions / _HOOK, 0o755)
    return names


def write(target: Path) -> None:
    """Write the bundle."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, (path, permissions) in sorted(contents().items()):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = (0o100000 | permissions) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "reviewlens-beanstalk.zip")
    write(file)
    print(file)
