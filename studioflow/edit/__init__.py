"""Changing a manifest without a text editor: every function takes one and returns a new, valid one."""
