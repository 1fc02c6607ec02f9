"""The process that makes pings durable, so that no commit waits for the event loop, and no request for a commit."""
