"""The state machine of collection without Step Functions: its steps, one after the other."""

import json

from lambdas.collection.bulk.steps import run_step
from shared.errors import UnavailableError

_ATTEMPTS = 3


class MemoryMachine:
    """Runs an execution when ``run`` is called; an item that raises is left out."""

    def __init__(self):
        self.world = None
        self.started = []
        self.running = []
        self.read = []
        self.failures = []
        self.before_read = lambda item: None

    def start(self, name, payload):
        if name in dict(self.started):
            raise UnavailableError(f"an execution with the name {name} exists already")
        self.started.append((name, dict(payload["job"])))
        self.running.append(name)

    def is_running(self, name):
        return name in self.running

    def run(self):
        """Run the executions that were started; returns how they ended."""
        endings = [self._execute(job) for name, job in self.started if name in self.running]
        self.running.clear()
        return endings

    def step(self, **event):
        return run_step(self.world.dependencies, json.loads(json.dumps(event)))

    def _execute(self, job):
        while True:
            plan = self.step(step="plan", job=job)
            if plan["state"] == "planning":
                continue
            if plan["state"] != "planned":
                return plan
            if plan["ranges"]:
                self._map(plan)
            ending = self.step(step="finish", job=job)
            if ending["state"] != "again":
                return ending

    def _map(self, plan):
        assert plan["bucket"] == self.world.dependencies.clean.bucket
        items = json.loads(self.world.dependencies.clean.get(plan["items"])[0])
        assert len(items) == plan["ranges"]
        # in any order
        for item in sorted(items, key=lambda each: -each["number"] % 3):
            number = item["number"]
            for _ in range(_ATTEMPTS):
                try:
                    self.before_read(item)
                    self.step(step="read", item=item)
                except Exception as error:  # noqa: BLE001 - as the map, which goes on
                    self.failures.append((number, type(error).__name__))
                    if not isinstance(error, UnavailableError):
                        break
                else:
                    self.read.append(number)
                    break
