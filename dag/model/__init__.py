"""What a project is made of: assets, their files, templates and graph."""
