"""Pictures to files: colour, PNG, EXR, and the manifest inside each."""
