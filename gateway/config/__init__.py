"""What an operator can set: one TOML file under the environment, strict, with errors that say what would be right.

I am: the rule book.  I may use: pydantic, pydantic-settings; `gateway.calls` for what patterns and targets mean, and
`gateway.cdr.url` for what a database's address means.
I never: open a socket or start anything.  What wakes me: a program that starts, `tandem check-config`.
"""

from gateway.config.tables import Config

__all__ = ["Config"]
