"""Pages for the operator of an application, to be mounted in it: settings, the server's facts, and a step of set-up.

A core without a socket (`answer`: a request as a value in, a response as a value out), and two faces for it: ASGI and
WSGI. The standard library only.
"""
