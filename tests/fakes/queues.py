"""A MessageQueue in memory."""


class MemoryQueue:
    """Keeps message bodies in the order of sending."""

    def __init__(self):
        self.bodies = []

    def send(self, messages):
        self.bodies += [message.model_dump_json() for message in messages]

    def take(self):
        """Return all bodies sent since the last call."""
        bodies, self.bodies = self.bodies, []
        return bodies
