"""FIBO through diffusers: find a model, load it, render with it. Knows pictures and caption texts, no manifest."""
