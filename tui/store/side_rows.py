"""Rows of the sides of a conversation: setting, system prompt, model and last turn of each."""

import sqlite3
from collections.abc import Iterator, Mapping

from tui.store.records import SideRow
from tui.store.text import writable


def save_side(connection: sqlite3.Connection, conversation: int, place: int, row: SideRow) -> None:
    """Save one side (its tip is a turn's row id); the tip of side 0 is that of the conversation."""
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


def drop_sides(connection: sqlite3.Connection, conversation: int, left: int) -> None:
    """Delete the sides from index `count` on, and list the settings of the others as the conversation's setting."""
    connection.execute("DELETE FROM seat WHERE conversation = ? AND place >= ?", (conversation, left))
    settings = "SELECT setting FROM seat WHERE conversation = ? ORDER BY place"
    called = " | ".join(setting for (setting,) in connection.execute(settings, (conversation,)))
    connection.execute("UPDATE conversation SET setting = ? WHERE id = ?", (called, conversation))


def load_sides(connection: sqlite3.Connection, conversation: int, places: Mapping[int, int]) -> Iterator[SideRow]:
    """Load the sides of a conversation; `places` maps row ids of turns to their indices."""
    sql = "SELECT setting, system, model, tip FROM seat WHERE conversation = ? ORDER BY place"
    for setting, system, model, tip in connection.execute(sql, (conversation,)):
        yield SideRow(setting, system, model, places.get(tip))
