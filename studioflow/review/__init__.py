"""What can be said about a shot before it is rendered, and about two shots side by side.

``compare``, ``lint``, ``completeness``, and ``report`` with all of it for one shot; each is imported by name, because
ComfyUI's start must not wait for rules that a node needs only when it runs.
"""

STOP_ON = ("nothing", "errors", "errors and warnings")
"""What may not be left in a shot that goes on to the render."""
