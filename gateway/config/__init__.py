"""What an operator can set: one TOML file under the environment, strict, with errors that say what would be right.

I am: the rule book.  I may use: pydantic, pydantic-settings; `gateway.calls` for what patterns and targets mean,
`gateway.api.rest.keys` for scopes.
I never: open a socket or start anything.  What wakes me: a program that starts, `tandem check-config`.
"""

from gateway.config.tables import Config

__all__ = ["Config"]
