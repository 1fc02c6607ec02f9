"""The forms in which a ping goes over the wire."""
