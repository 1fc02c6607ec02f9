"""The process that answers questions and compacts, so that ingest never evaluates a set."""
