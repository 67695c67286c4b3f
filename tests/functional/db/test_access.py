"""Functions connect to the database with an IAM token that RDS Proxy accepts, or a secret."""

import json
import re

import pytest
from cryptography import x509
from pydantic import ValidationError

from lambdas.insights.settings import InsightsSettings
from shared.db import access as module
from shared.db.access import CA_FILE, database_credentials
from shared.db.connection import Database
from shared.errors import ReviewlensError, UnavailableError
from shared.settings.base import APP_USER, DatabaseSettings
from shared.storage import clients
from tests.fakes.rds_proxy import RdsProxy


@pytest.fixture
def trusting(postgres, first_rule):
    """A server that trusts the functions' user, as it does behind RDS Proxy."""
    with first_rule(f"host all {APP_USER} 127.0.0.1/32 trust"):
        yield postgres.secret["host"], postgres.secret["port"]


@pytest.fixture
def proxy(trusting, tmp_path):
    proxy = RdsProxy(trusting, tmp_path / "proxy")
    yield proxy
    proxy.close()


def settings(proxy, **changes):
    values = {"database_host": "localhost", "database_port": proxy.port}
    return InsightsSettings(**(values | {"database_ca_file": str(proxy.ca_file)} | changes))


def query_one(settings, query="SELECT current_user"):
    database = Database(database_credentials(settings), wait_seconds=3.0)
    try:
        with database.transaction() as connection:
            return connection.execute(query).fetchone()
    finally:
        database.close()


def test_a_function_connects_with_a_signed_token_over_verified_tls(role_keys, proxy):
    assert query_one(settings(proxy)) == (APP_USER,)
    assert len(proxy.tokens) == 1
    # RDS Proxy pins a connection that sets options to one client
    assert set(proxy.startups[0]) <= {"user", "database", "application_name", ""}


def test_a_secret_may_be_a_file_that_asks_for_verified_tls(role_keys, proxy, tmp_path):
    path = tmp_path / "database.json"
    secret = {**database_credentials(settings(proxy))(), "dbname": "reviewlens"}
    path.write_text(json.dumps(secret | {"sslrootcert": str(proxy.ca_file)}))
    by_file = DatabaseSettings(database_secret_id=f"file:{path}")
    assert query_one(by_file) == (APP_USER,)
    path.write_text(json.dumps(secret | {"sslrootcert": str(CA_FILE)}))
    with pytest.raises(UnavailableError):
        query_one(by_file)
    assert set(proxy.refused) == {"certificate"}


def test_each_new_connection_uses_its_own_token(role_keys, proxy, monkeypatch):
    signed = []
    real = clients.client("rds").generate_db_auth_token

    class Signing:
        @staticmethod
        def generate_db_auth_token(**arguments):
            signed.append(arguments)
            return real(**arguments)

    monkeypatch.setattr(module, "client", lambda service: {"rds": Signing}[service])
    database = Database(database_credentials(settings(proxy)), wait_seconds=3.0)
    assert signed == []  # not signed in advance: it would expire
    database.ping()
    database.ping()
    assert len(signed) == len(proxy.tokens) == 1
    with database.lock("mine") as acquired:
        assert acquired
    database.close()
    arguments = {"DBHostname": "localhost", "Port": proxy.port, "DBUsername": APP_USER}
    assert signed == [arguments] * 2
    assert len(proxy.tokens) == 2


def test_a_token_of_another_role_is_refused(role_keys, proxy, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(UnavailableError):
        query_one(settings(proxy))
    assert set(proxy.refused) == {"token"}


def test_a_server_that_cannot_be_verified_never_receives_a_token(
    role_keys, proxy, trusting, tmp_path
):
    with pytest.raises(UnavailableError):  # signed by an authority that is not Amazon's
        query_one(settings(proxy, database_ca_file=""))
    other_name = RdsProxy(trusting, tmp_path / "other", name="elsewhere.example")
    with pytest.raises(UnavailableError):
        query_one(settings(other_name))
    other_name.close()
    assert proxy.tokens == other_name.tokens == []


def test_without_credentials_the_database_is_unavailable(role_keys, proxy, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UnavailableError, match=f"no token for {APP_USER} at localhost"):
        database_credentials(settings(proxy))()


def test_a_secret_works(function_environment):
    secret = database_credentials(DatabaseSettings())()
    assert set(secret) == {"host", "port", "username", "password", "dbname"}
    assert query_one(DatabaseSettings()) == (APP_USER,)


def test_missing_fields_of_a_secret_are_listed(function_environment, aws_client):
    name = function_environment["REVIEWLENS_DATABASE_SECRET_ID"]
    aws_client("secretsmanager").put_secret_value(
        SecretId=name, SecretString='{"username": "u", "password": "p"}'
    )
    with pytest.raises(ReviewlensError, match=r"lacks host, port, dbname$"):
        database_credentials(DatabaseSettings())()


@pytest.mark.parametrize(
    ("values", "message"),
    [({}, "neither is set"), ({"database_host": "h", "database_secret_id": "s"}, "both are set")],
)
def test_exactly_one_of_host_and_secret_is_required(values, message, monkeypatch):
    monkeypatch.delenv("REVIEWLENS_DATABASE_SECRET_ID", raising=False)
    with pytest.raises(ValidationError, match="REVIEWLENS_DATABASE_HOST.*" + message):
        DatabaseSettings(**values)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_the_ca_file_has_the_valid_roots_of_rds_and_rds_proxy():
    roots = x509.load_pem_x509_certificates(CA_FILE.read_bytes())
    names = [each.subject.rfc4514_string() for each in roots]
    regions = {region for name in names for region in re.findall(r"RDS ([a-z0-9-]+) Root CA", name)}
    assert {"us-east-1", "eu-west-1", "eu-central-1", "ap-northeast-1", "sa-east-1"} <= regions
    assert sum("Amazon Root CA" in name for name in names) == 4
    assert all(each.issuer == each.subject for each in roots)
    assert min(each.not_valid_after_utc.year for each in roots) >= 2037
