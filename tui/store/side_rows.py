"""The sides that a conversation is talked to with, beside each other: how each is set, and where it stands."""

import sqlite3
from collections.abc import Iterator, Mapping

from tui.store.records import SideRow
from tui.store.text import writable


def take_seat(connection: sqlite3.Connection, conversation: int, place: int, row: SideRow) -> None:
    """Note how a side stands, its tip being a turn's number; where the first one is, there is the conversation."""
    connection.execute(
        "INSERT INTO seat (conversation, place, setting, system, model, tip) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (conversation, place) DO UPDATE SET (setting, system, model, tip) = "
        "(excluded.setting, excluded.system, excluded.model, excluded.tip)",
        (
            conversation,
            place,
            writable(row.setting),
            writable(row.system) if row.system is not None else None,
            writable(row.model),
            row.tip,
        ),
    )
    if place == 0:
        connection.execute("UPDATE conversation SET tip = ? WHERE id = ?", (row.tip, conversation))


def leave_seats(connection: sqlite3.Connection, conversation: int, left: int) -> None:
    """Forget the sides that are no longer there; the conversation is called by the settings of the others."""
    connection.execute("DELETE FROM seat WHERE conversation = ? AND place >= ?", (conversation, left))
    settings = "SELECT setting FROM seat WHERE conversation = ? ORDER BY place"
    called = " | ".join(setting for (setting,) in connection.execute(settings, (conversation,)))
    connection.execute("UPDATE conversation SET setting = ? WHERE id = ?", (called, conversation))


def seats_of(connection: sqlite3.Connection, conversation: int, places: Mapping[int, int]) -> Iterator[SideRow]:
    """The sides that a conversation was left with; `places` are those of its turns, by their numbers."""
    sql = "SELECT setting, system, model, tip FROM seat WHERE conversation = ? ORDER BY place"
    for setting, system, model, tip in connection.execute(sql, (conversation,)):
        yield SideRow(setting, system, model, places.get(tip))
