"""Brings the number of ended jobs in the service's table to what is asked for; run by jobs.py with its environment."""

from __future__ import annotations

import os
import sys

from sqlalchemy import MetaData, NullPool, Table, create_engine, func, insert, literal_column, select, text


def main() -> None:
    """Copy one ended job as often as it takes."""
    engine = create_engine(os.environ["BARE_DATABASE_URL"], poolclass=NullPool)
    with engine.begin() as connection:
        jobs = Table("jobs", MetaData(), autoload_with=connection)
        missing = int(sys.argv[1]) - (connection.scalar(select(func.count()).select_from(jobs)) or 0)
        if missing > 0:
            one = select(jobs).where(jobs.c.state == "succeeded").limit(1).subquery()
            columns = [column for column in one.c if column.name != "id"]
            many = text(f"generate_series(1, {missing})")
            copies = select(literal_column("gen_random_uuid()"), *columns).select_from(one, many)
            connection.execute(insert(jobs).from_select(["id", *(column.name for column in columns)], copies))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE jobs"))


if __name__ == "__main__":
    main()
