"""Supastate on one machine without Docker: Postgres, Neo4j and the four services."""

from cli.local_stack.errors import StackError
from cli.local_stack.stack import LocalStack

__all__ = ["LocalStack", "StackError"]
