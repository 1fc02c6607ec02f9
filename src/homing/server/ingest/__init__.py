"""The way in: the lane takes requests, the steps judge pings, the desk makes them durable."""
