"""Picture files: written and read with all their bits, their colour and their documents; panoramas; drawings."""
