"""Where everything is kept: one protocol, one contract suite, an engine each in its own folder."""
