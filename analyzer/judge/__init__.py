"""Asking rules: their cards, what they answer, what they may know, and who asks which of them when."""
