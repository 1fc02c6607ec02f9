"""The wire protocols: how a request becomes pings, and how it is answered."""
