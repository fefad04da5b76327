"""Drawings on paper, screens and photographs as control maps."""
