"""Everything that is open for one project: its queue, its listeners, its settings. No HTTP."""
