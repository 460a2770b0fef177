"""The store: conversations kept in one SQLite file on this machine. Plain SQL, ordered named migrations."""
