"""The reason why PostgreSQL does not start, from its log."""

from local.stack.postgres_errors import is_full_disk, last_failure

FULL = """\
2026-11-29 20:19:13 UTC [9] LOG:  starting PostgreSQL 18.4
2026-11-29 20:19:13 UTC [9] LOG:  listening on IPv4 address "127.0.0.1", port 25432
2026-11-29 20:19:13 UTC [10] LOG:  database system was interrupted; last known up at 20:19:10
2026-11-29 20:19:13 UTC [10] LOG:  database system was not properly shut down
2026-11-29 20:19:13 UTC [10] LOG:  redo starts at 0/2F02968
2026-11-29 20:19:13 UTC [11] FATAL:  the database system is not yet accepting connections
2026-11-29 20:19:13 UTC [10] LOG:  redo done at 0/1FFFF90 system usage: CPU: user: 0.02 s
2026-11-29 20:19:13 UTC [10] FATAL:  could not write to file "pg_wal/xlogtemp.10": No space left
2026-11-29 20:19:13 UTC [9] LOG:  startup process (PID 10) exited with exit code 1
2026-11-29 20:19:13 UTC [9] LOG:  terminating any other active server processes
2026-11-29 20:19:13 UTC [9] LOG:  shutting down due to startup process failure
2026-11-29 20:19:13 UTC [9] LOG:  database system is shut down
""".replace("No space left", "No space left on device")


def test_a_full_disk_is_the_reason_and_not_what_followed(tmp_path):
    (tmp_path / "log").write_text(f"earlier start\n{FULL}")
    reason = last_failure(tmp_path / "log", len("earlier start\n"))
    assert reason.endswith(
        'port 25432; could not write to file "pg_wal/xlogtemp.10": No space left on device'
    )
    assert is_full_disk(reason)
    assert not is_full_disk("could not bind IPv4 address: Address already in use")
