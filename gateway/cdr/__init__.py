"""RECORDS: what is left of a call. One record per call, and one per leg in it, folded from the one stream of events.

    CallEvent ── record.Recorder ── writer.RecordWriter ─┬─ store.Store (SQLite, PostgreSQL)
                 (sans-IO)          (never blocks)       └─ spool.Spool (while the database is away)

Who shows records (REST, the page, the command line) sees `ports.Records` and `model.Record` only:
`get(id)`, `list(filters, cursor, limit)`, `recent(user, limit)`, and `export(filters, format)` as a stream of bytes.

I am: the book-keeper.  I may use: the events of `gateway.calls`; pydantic, SQLAlchemy, alembic; asyncio and files in
`store`, `spool` and `writer` only.
I never: decide about a call, ask it anything, or make one wait; show the password of a database.
What wakes me: a call's event, the database's return, an hour that has passed (retention).
"""
