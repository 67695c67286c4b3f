"""PostgreSQL: connection pool, migrations, and the queries on each table."""
