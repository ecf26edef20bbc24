"""What the whole domain builds on: errors, clocks, cancellation, frames, JSON."""
