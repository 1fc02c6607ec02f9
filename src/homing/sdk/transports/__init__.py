"""How a request reaches the receiver."""
