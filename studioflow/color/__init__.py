"""Colour: spaces by name, OpenColorIO, tone mapping, and light from pictures that were made to be looked at."""
