"""An EventBus in memory."""

from shared.errors import UnavailableError


class MemoryBus:
    """Keeps the details of events in the order of sending; refuses them while ``down``."""

    def __init__(self):
        self.details = []
        self.down = False

    def put(self, kind, detail):
        if self.down:
            raise UnavailableError("EventBridge did not accept the event")
        self.details.append((kind, detail.model_dump(mode="json")))

    def take(self):
        """Return the statuses of all events since the last call."""
        details, self.details = self.details, []
        return [detail["status"] for _, detail in details]
