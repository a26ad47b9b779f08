"""Publishers: objects and decorators that send to one queue."""
