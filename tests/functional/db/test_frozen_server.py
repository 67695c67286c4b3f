"""A server that is stopped by SIGSTOP: its kernel answers, it does not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.db.connection import Database
from shared.errors import UnavailableError
from tests.freezing import frozen

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def database(postgres):
    database = Database(lambda: postgres.secret)
    database.ping()
    yield database
    database.close()


def test_a_statement_fails_and_the_next_one_after_the_freeze_works(database, postgres):
    def freeze_within_a_transaction():
        with database.transaction() as connection, frozen(postgres.pid):
            connection.execute("SELECT 1")

    with pytest.raises(UnavailableError, match="does not answer"):
        freeze_within_a_transaction()
    database.ping()


def test_a_connection_of_the_pool_and_a_new_one_fail(database, postgres):
    with frozen(postgres.pid):
        for _ in range(2):
            with pytest.raises(UnavailableError):
                database.ping()
    database.ping()


def test_many_callers_fail_without_waiting_for_one_another(database, postgres):
    def ping(_number):
        with pytest.raises(UnavailableError):
            database.ping()

    with frozen(postgres.pid), ThreadPoolExecutor(8) as pool:
        list(pool.map(ping, range(100)))
    database.ping()


def test_a_lock_fails_and_is_free_after_the_freeze(database, postgres):
    def lock():
        with database.lock("frozen"):
            pass

    with database.lock("other") as acquired, frozen(postgres.pid):
        assert acquired
        with pytest.raises(UnavailableError):
            lock()
    with database.lock("frozen") as first, database.lock("other") as second:
        assert (first, second) == (True, True)


def test_a_slow_statement_of_a_server_that_answers_is_not_cut(database):
    with database.transaction() as connection:
        row = connection.execute("SELECT 1 FROM pg_sleep(4)").fetchone()
    assert row == (1,)
