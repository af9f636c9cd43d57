"""`sipcheck storm` for a person: words, and a picture."""
