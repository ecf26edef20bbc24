"""What happens in a task: events, states, statements and log entries."""
