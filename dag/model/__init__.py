"""What a project consists of: assets, their files, templates and graph."""
