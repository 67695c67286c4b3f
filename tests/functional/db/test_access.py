"""How functions get into the database: by an IAM token that RDS Proxy would accept, or a secret."""

import re
from pathlib import Path

import boto3
import psycopg
import pytest
from cryptography import x509
from pydantic import ValidationError

from lambdas.insights.settings import InsightsSettings
from shared.db import access as module
from shared.db.access import ROOTS, access
from shared.db.connection import Database, connection_arguments
from shared.errors import ReviewlensError, UnavailableError
from shared.settings.base import APP_USER, DatabaseSettings
from shared.storage import clients
from tests.fakes.rds_proxy import KEYS, REGION, RdsProxy


@pytest.fixture
def credentials(monkeypatch):
    """The keys of a function's role; no AWS is asked for anything."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would remember others
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


@pytest.fixture
def trusting(postgres):
    """The server lets the functions' user in, as it does where RDS Proxy has vouched for it."""
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as connection:
        (place,) = connection.execute("SHOW hba_file").fetchone()
        before = Path(place).read_text()
        try:
            Path(place).write_text(f"host all {APP_USER} 127.0.0.1/32 trust\n{before}")
            connection.execute("SELECT pg_reload_conf()")
            yield postgres.secret["host"], postgres.secret["port"]
        finally:
            Path(place).write_text(before)
            connection.execute("SELECT pg_reload_conf()")


@pytest.fixture
def proxy(trusting, tmp_path):
    made = RdsProxy(trusting, tmp_path / "proxy")
    yield made
    made.close()


def settings(proxy, **changes):
    values = {"database_host": "localhost", "database_port": proxy.port}
    return InsightsSettings(**(values | {"database_ca_file": str(proxy.ca_file)} | changes))


def asked_of(made, query="SELECT current_user"):
    database = Database(access(made), wait_seconds=3.0)
    try:
        with database.transaction() as connection:
            return connection.execute(query).fetchone()
    finally:
        database.close()


def test_a_function_gets_in_by_a_signed_token_over_verified_tls(credentials, proxy):
    assert asked_of(settings(proxy)) == (APP_USER,)
    assert len(proxy.tokens) == 1
    # RDS Proxy ties a connection that sets options to one client
    assert set(proxy.startups[0]) <= {"user", "database", "application_name", ""}


def test_each_new_connection_has_a_token_of_its_own(credentials, proxy, monkeypatch):
    signed = []
    real = clients.client("rds").generate_db_auth_token

    class Signing:
        @staticmethod
        def generate_db_auth_token(**asked):
            signed.append(asked)
            return real(**asked)

    monkeypatch.setattr(module, "client", lambda service: {"rds": Signing}[service])
    database = Database(access(settings(proxy)), wait_seconds=3.0)
    assert signed == []  # none before it is needed: it would grow old
    database.ping()
    database.ping()
    assert len(signed) == len(proxy.tokens) == 1
    with database.lock("mine") as held:
        assert held
    database.close()
    asked = {"DBHostname": "localhost", "Port": proxy.port, "DBUsername": APP_USER}
    assert signed == [asked] * 2
    assert len(proxy.tokens) == 2


def test_a_token_of_another_role_is_refused(credentials, proxy, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(UnavailableError):
        asked_of(settings(proxy))
    assert set(proxy.refused) == {"token"}


def test_a_server_that_cannot_prove_itself_never_sees_a_token(
    credentials, proxy, trusting, tmp_path
):
    with pytest.raises(UnavailableError):  # signed by an authority that is not Amazon's
        asked_of(settings(proxy, database_ca_file=""))
    named_otherwise = RdsProxy(trusting, tmp_path / "other", name="elsewhere.example")
    with pytest.raises(UnavailableError):
        asked_of(settings(named_otherwise))
    named_otherwise.close()
    assert proxy.tokens == named_otherwise.tokens == []


def test_without_credentials_the_database_is_unavailable(credentials, proxy, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UnavailableError, match=f"no token for {APP_USER} at localhost"):
        access(settings(proxy))()


def test_a_secret_works_as_it_did(function_environment):
    found = access(DatabaseSettings())()
    assert set(found) == {"host", "port", "username", "password", "dbname"}
    assert asked_of(DatabaseSettings()) == (APP_USER,)


def test_a_secret_can_be_used_over_verified_tls_alone(function_environment):
    made = access(DatabaseSettings(database_tls="verify-full"))()
    assert (made["sslmode"], made["sslrootcert"]) == ("verify-full", str(ROOTS))
    # the server here has no TLS, and is not talked to
    with pytest.raises(UnavailableError):
        asked_of(DatabaseSettings(database_tls="verify-full"))


def test_what_a_secret_lacks_is_named(function_environment, aws_client):
    name = function_environment["REVIEWLENS_DATABASE_SECRET_ID"]
    aws_client("secretsmanager").put_secret_value(
        SecretId=name, SecretString='{"username": "u", "password": "p"}'
    )
    with pytest.raises(ReviewlensError, match=r"lacks host, port, dbname$"):
        access(DatabaseSettings())()


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "none is set"), ({"database_host": "h", "database_secret_id": "s"}, "both are set")],
)
def test_there_is_one_way_in(given, told, monkeypatch):
    monkeypatch.delenv("REVIEWLENS_DATABASE_SECRET_ID", raising=False)
    with pytest.raises(ValidationError, match="REVIEWLENS_DATABASE_HOST.*" + told):
        DatabaseSettings(**given)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_roots_are_those_of_rds_and_of_its_proxy_and_valid():
    found = x509.load_pem_x509_certificates(ROOTS.read_bytes())
    names = [each.subject.rfc4514_string() for each in found]
    regions = {place for name in names for place in re.findall(r"RDS ([a-z0-9-]+) Root CA", name)}
    assert {"us-east-1", "eu-west-1", "eu-central-1", "ap-northeast-1", "sa-east-1"} <= regions
    assert sum("Amazon Root CA" in name for name in names) == 4
    assert all(each.issuer == each.subject for each in found)
    assert min(each.not_valid_after_utc.year for each in found) >= 2037
