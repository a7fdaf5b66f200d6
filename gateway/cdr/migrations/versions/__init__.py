"""The revisions, in order: each says what it adds, and how to take it away again.

I am: a revision a file.  I may use: `alembic.op` and SQLAlchemy.  I never: import the program, whose tables go on
changing.  What wakes me: `migrations.upgrade`, for a database that has not had me yet.
"""
