"""HTTP: connections are parsed once, and each request goes to the lane or to the web framework."""
