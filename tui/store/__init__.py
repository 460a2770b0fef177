"""The store: conversations saved in one SQLite file on this machine. Plain SQL, ordered named migrations."""
