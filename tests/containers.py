"""The services of docker-compose.yml as plain processes: their own commands, ports and settings.

Each container has an address of its own in 127.0.0.0/8. Docker Compose resolves the file; paths in
containers become folders, and a name server answers as Docker's does.
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from local.services.probe import probe
from tests.e2e.stack import wait_until

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("docker-compose.yml", "docker-compose.prod.yml", "setup.sh", "deploy/compose")
_DNS = "127.0.0.11"
_LAST = ("aws-1",)


def copy_project(folder):
    """Copy what a user needs for Compose, without the sources of the image."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy(source, target)
    return folder


def compose_config(folder, *arguments, **environment):
    """What Docker Compose makes of the files in a folder."""
    command = [str(Path(sys.executable).with_name("docker-compose")), *arguments]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Containers:
    """Starts services of a resolved Compose file; ``close`` stops them."""

    def __init__(self, project, folder, paths):
        """Prepare; ``paths`` says where paths of containers are on this machine."""
        self._services = project["services"]
        self._folder = folder
        self._paths = paths
        self._secrets = {name: each["file"] for name, each in project["secrets"].items()}
        self._configs = {name: Path(each["file"]) for name, each in project["configs"].items()}
        self._network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 2}"
        self.addresses = {}
        self.processes = {}
        self._names = NameServer(self.addresses, f"{self._network}.254")

    def start(self, service, number=1, **settings):
        """Start one container of a service; returns its process."""
        definition = self._services[service]
        name = f"{service}-{number}"
        address = f"{self._network}.{len(self.processes) + 2}"
        self.addresses.setdefault(service, []).append(address)
        home = self._folder / name
        home.mkdir()
        # a container sees its own secrets alone
        own = {
            each["target"]: self._secrets[each["source"]] for each in definition.get("secrets", [])
        } | self._paths
        files = {
            each["target"]: str(self._config(each, home, address, own))
            for each in definition.get("configs", [])
        }
        paths = files | own | {"/tmp": str(home)}
        environment = {
            key: self._translate(value, paths, address)
            for key, value in definition.get("environment", {}).items()
        }
        # a container's own address stands for its 127.0.0.1, which every server accepts
        hosts = [address, *self.addresses.get("proxy", [])]
        if known := environment.get("REVIEWLENS_ALLOWED_HOSTS"):
            hosts.insert(0, known)
        environment["REVIEWLENS_ALLOWED_HOSTS"] = ",".join(hosts)
        command = [self._translate(part, paths, address) for part in definition["command"]]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable if command[0] == "python" else command[0], *command[1:]],
                cwd=home,
                env=_bare(home) | environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        return process

    def url(self, service, port, number=1):
        """URL of a container."""
        return f"http://{self.addresses[service][number - 1]}:{port}"

    def wait(self, service, number=1):
        """Wait until the health check of the Compose file passes."""
        name = f"{service}-{number}"
        test = self._services[service]["healthcheck"]["test"]
        url = self._translate(test[-1], {}, self.addresses[service][number - 1])

        def is_healthy():
            assert self.processes[name].poll() is None, self.log(name)
            return probe(url) == 0

        wait_until(is_healthy, what=f"health of {name}", every=0.2)

    def listens(self, service, port, number=1):
        """Whether a container accepts connections; fails if it has ended."""
        name = f"{service}-{number}"
        assert self.processes[name].poll() is None, self.log(name)
        place = self.addresses[service][number - 1], port
        with suppress(OSError), socket.create_connection(place):
            return True
        return False

    def log(self, name):
        """The output of a container."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def stop(self, name):
        """Ask a container to stop as an engine does; returns its exit status."""
        process = self.processes[name]
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def close(self):
        """Stop all containers; those on which others depend last, as Compose does."""
        try:
            for are_last in (False, True):
                names = [name for name in self.processes if (name in _LAST) is are_last]
                running = [self.processes[name] for name in names]
                for process in running:
                    process.terminate()
                for process in running:
                    process.wait(60)
        finally:
            for process in self.processes.values():
                process.kill()
            self._names.close()

    def _translate(self, text, paths, address):
        if paths:
            longest_first = sorted(paths, key=len, reverse=True)
            names = "|".join(map(re.escape, longest_first))
            whole = rf"(?<![\w/.])({names})(?=[/\s,]|$)"
            text = re.sub(whole, lambda match: paths[match[1]], text)
        for name, (first, *_) in self.addresses.items():
            text = re.sub(rf"(?<=//){name}(?=:\d)", first, text)
        return re.sub(r"(?<![\d.])(0\.0\.0\.0|127\.0\.0\.1)(?![\d.])", address, text)

    def _config(self, config, home, address, paths):
        """A copy of a configuration file with the addresses and folders of a container."""
        source, target = self._configs[config["source"]], config["target"]
        text = source.read_text()
        text = text.replace("/tmp/", f"{home}/").replace("/etc/nginx/", f"{home}/")
        for path, real in paths.items():
            text = text.replace(path, real)
        text = text.replace(f"resolver {_DNS} ", f"resolver {self._names.place} ")
        text = re.sub(r"listen (?=\d+;)", f"listen {address}:", text)
        path = home.joinpath(*Path(target).parts[3:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class NameServer:
    """Answers names of services with the addresses of all their containers."""

    def __init__(self, addresses, host):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data, reply = self.request
                reply.sendto(_answer(data, addresses), self.client_address)

        self._server = socketserver.ThreadingUDPServer((host, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        self.place = "{}:{}".format(*self._server.server_address)

    def close(self):
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _answer(query, addresses):
    """The answer to a DNS query for addresses of a name with one label."""
    length = query[12]
    name = query[13 : 13 + length].decode()
    question = query[12 : 12 + length + 6]
    found = addresses.get(name, [])
    code = 0 if found else 3
    head = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH4s", 1, 1, 2, 4, bytes(map(int, address.split("."))))
        for address in found
    )
    return head + question + records


def _bare(home):
    """The environment of a container without settings: no variables of this machine."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "TMPDIR": str(home),
        "MPLCONFIGDIR": str(home),
    }
