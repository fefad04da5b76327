"""Camera and light: geometry and optics in numbers, and the words that say them."""
