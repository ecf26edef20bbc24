"""What the whole domain stands on: errors, clocks, cancelling, frames, JSON."""
