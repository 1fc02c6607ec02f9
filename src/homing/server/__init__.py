"""The receiving side: takes pings in, counts installations exactly, and answers questions about them."""
