"""MessageQueue in memory."""


class MemoryQueue:
    """Keeps the bodies in the order in which they were sent."""

    def __init__(self):
        self.bodies = []

    def send(self, messages):
        self.bodies += [message.model_dump_json() for message in messages]

    def take(self):
        """Every body sent since the last call."""
        taken, self.bodies = self.bodies, []
        return taken
