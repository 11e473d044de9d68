"""What the rooms above share of Python itself: source text, frames, operators."""
