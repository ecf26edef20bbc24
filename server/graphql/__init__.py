"""The GraphQL endpoints."""
