"""The words by which people are found, kept beside their names.

Owns the rows of ``user_words``. Must not know who looks for whom. Invariant: whoever has an account
is found by their names as they are now: whatever makes an account, or changes its names, calls this
in the same transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select

from dash_messenger.folding import words_of
from dash_messenger.store.tables import user_words

__all__ = ["put_words", "user_name_word", "words_of_user"]

_OWN = user_words.c.user_id == bindparam("user")
_KNOWN = select(user_words.c.word).where(_OWN)
_FORGET = delete(user_words).where(_OWN, user_words.c.word == bindparam("gone"))


def put_words(connection: Connection, user: str, username: str, display_name: str) -> None:
    """Have somebody found by these names, and by no others."""
    wanted = words_of_user(username, display_name)
    known = set(connection.execute(_KNOWN, {"user": user}).scalars())
    for word in known - wanted:
        connection.execute(_FORGET, {"user": user, "gone": word})
    if new := sorted(wanted - known):
        connection.execute(insert(user_words), [{"word": word, "user_id": user} for word in new])


def words_of_user(username: str, display_name: str) -> set[str]:
    """The words of both names, and the user name as a whole."""
    return {user_name_word(username), *words_of(username), *words_of(display_name)}


def user_name_word(username: str) -> str:
    """What stands for a user name, or its beginning, as a whole."""
    return f"@{username.lower()}"
