"""The migration function, called by CloudFormation and by hand."""

import json
import threading
import time

import psycopg
import pytest

from lambdas.migrations.dependencies import build_dependencies
from lambdas.migrations.handler import handler
from lambdas.migrations.service import MigrationError
from lambdas.migrations.settings import newest_revision
from local.stack.ports import free_port
from shared.db.connection import connection_arguments
from shared.db.migrations import head_revision
from shared.db.roles import TABLE_PRIVILEGES
from shared.errors import ConflictError

USER = "app_user"


def event(request, revision=None, **more):
    """An event of CDK's Provider framework."""
    properties = {"ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:framework"}
    if revision:
        properties["revision"] = revision
    return {
        "RequestType": request,
        "RequestId": "9f5c1c2e-0000-4000-8000-000000000000",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
        "LogicalResourceId": "Schema",
        "ResourceType": "Custom::Schema",
        "ResourceProperties": properties,
        **more,
    }


@pytest.fixture
def empty(postgres):
    """Secret of the owner of an empty database."""
    arguments = connection_arguments(postgres.secret)
    with psycopg.connect(**arguments, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        yield {**postgres.secret, "dbname": "fresh"}
        connection.execute("DROP DATABASE fresh WITH (FORCE)")
        connection.execute(f"DROP ROLE IF EXISTS {USER}")


@pytest.fixture
def deployed(function_environment, aws_client, empty, monkeypatch):
    """``deployed(secret)``: configure the function, by default for the empty database."""

    def deploy(secret=empty, **settings):
        name = function_environment["REVIEWLENS_DATABASE_SECRET_ID"]
        aws_client("secretsmanager").put_secret_value(
            SecretId=name, SecretString=json.dumps(secret)
        )
        for field, value in {"app_user": USER, "wake_seconds": 0, **settings}.items():
            monkeypatch.setenv(f"REVIEWLENS_{field.upper()}", str(value))
        build_dependencies.cache_clear()

    deploy()
    yield deploy
    build_dependencies.cache_clear()


def tables(secret, user=None):
    """Tables of a database, or only those that a user may read."""
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    query += " AND relkind = 'r'"
    if user:
        query += f" AND has_table_privilege('{user}', oid, 'SELECT')"
    with psycopg.connect(**connection_arguments(secret)) as connection:
        return {name for (name,) in connection.execute(query)}


def test_a_deployment_creates_the_tables_and_grants_access(deployed, empty):
    response = handler(event("Create", newest_revision()), None)
    assert response["Data"] == {"revision": head_revision()}
    assert tables(empty, USER) == set(TABLE_PRIVILEGES)
    update = event("Update", newest_revision(), PhysicalResourceId=response["PhysicalResourceId"])
    assert handler(update, None) == response


def test_the_newest_revision_is_read_from_the_file_names():
    assert newest_revision() == head_revision()


def test_a_plain_invocation_returns_the_revision(deployed, empty):
    assert handler({}, None) == {"revision": head_revision()}
    assert tables(empty, USER) == set(TABLE_PRIVILEGES)


def test_without_an_app_user_no_role_is_created(deployed, empty):
    deployed(app_user="")
    assert handler({}, None) == {"revision": head_revision()}
    with psycopg.connect(**connection_arguments(empty)) as connection:
        assert not connection.execute(f"SELECT FROM pg_roles WHERE rolname = '{USER}'").fetchall()


def test_deleting_the_stack_keeps_the_data(deployed, empty):
    name = handler(event("Create"), None)["PhysicalResourceId"]
    assert handler(event("Delete", PhysicalResourceId=name), None) == {"PhysicalResourceId": name}
    assert tables(empty) >= set(TABLE_PRIVILEGES)


def test_a_rollback_keeps_the_newer_schema(deployed, empty, caplog):
    handler(event("Create"), None)
    with psycopg.connect(**connection_arguments(empty)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    response = handler(
        event("Update", head_revision(), PhysicalResourceId="reviewlens-schema"), None
    )
    assert response == {"PhysicalResourceId": "reviewlens-schema", "Data": {"revision": "9999"}}
    with pytest.raises(Exception, match="9999, which is newer than this code"):
        handler({}, None)


def test_a_revision_that_the_code_lacks_is_an_error(deployed):
    with pytest.raises(
        MigrationError, match=f"requires revision 9999, but the newest .* is {head_revision()}"
    ):
        handler(event("Update", "9999", PhysicalResourceId="reviewlens-schema"), None)


def test_a_failed_migration_reports_its_reason(deployed, empty):
    with psycopg.connect(**connection_arguments(empty)) as connection:
        connection.execute("CREATE TABLE products (n int)")
    with pytest.raises(MigrationError, match='relation "products" already exists'):
        handler(event("Create"), None)
    assert tables(empty) == {"products"}


def test_a_wrong_password_is_reported_without_the_password(deployed, empty):
    deployed({**empty, "password": "not-this-one"})
    with pytest.raises(MigrationError, match="password authentication failed") as raised:
        handler(event("Create"), None)
    assert "not-this-one" not in str(raised.value)


def test_a_missing_field_of_the_secret_is_named(deployed, empty):
    deployed({name: value for name, value in empty.items() if name != "host"})
    with pytest.raises(MigrationError, match="lacks host"):
        handler(event("Create"), None)


def test_a_migration_waits_for_a_paused_cluster(deployed, empty, eventually_listens):
    # the port does not listen yet, like an endpoint whose instance is resuming
    port, wake = eventually_listens(empty)
    deployed({**empty, "port": port}, wake_seconds=30)
    waker = threading.Timer(1.5, wake)
    waker.start()
    started = time.monotonic()
    assert handler(event("Create"), None)["Data"] == {"revision": head_revision()}
    assert time.monotonic() - started >= 1.5
    waker.join()


def test_a_cluster_that_does_not_wake_is_an_error(deployed, empty):
    port = free_port(0, purpose="unused", option="-")
    deployed({**empty, "port": port}, wake_seconds=0.1)
    with pytest.raises(MigrationError, match=r"does not answer.*[Cc]onnection refused"):
        handler(event("Create"), None)


def test_a_plain_invocation_goes_back_to_an_earlier_revision(deployed, empty):
    handler({}, None)
    assert handler({"down": "0003"}, None) == {"revision": "0003"}
    assert "aspect_counts" not in tables(empty)
    assert handler({}, None) == {"revision": head_revision()}
    with psycopg.connect(**connection_arguments(empty)) as connection:
        connection.execute("INSERT INTO products (product_id, brand) VALUES ('p', 'Acme')")
    with pytest.raises(ConflictError, match=r"would lose brands of products \(1\)"):
        handler({"down": "0005"}, None)
    assert handler({"down": "0005", "lossy": True}, None) == {"revision": "0005"}
