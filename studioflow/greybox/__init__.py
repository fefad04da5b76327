"""The shot as Mitsuba 3 renders it, with stand-in shapes: exact camera, light and depth, no weights needed."""
