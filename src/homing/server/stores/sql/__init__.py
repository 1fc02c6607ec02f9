"""The relational engine: SQLite, and any database the same SQL runs on."""
