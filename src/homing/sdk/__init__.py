"""The sending side: sits inside an application, and sends what its operator agreed to. Standard library only.

Nothing here may break or delay the host program, and importing it costs next to nothing: what is heavy is imported
where it is first needed.
"""
