"""How the receiver and the processes it starts talk: a socket pair, frames of msgpack, plain values only."""
