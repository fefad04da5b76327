"""A delivery: which files, under which names, with which documents, written whole or not at all."""
