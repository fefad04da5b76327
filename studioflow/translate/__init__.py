"""From a brief, a picture or a client's note to a manifest: by rules, or by a language model."""
