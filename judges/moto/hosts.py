"""The hosts of a run: what each instance does after its launch, and when. A small loop; no host is real."""
import json
import urllib.request

import clock
from corrections import _set

#: Between launch, boot script, application and agent, and of a load balancer: rounded published measurements, no draws.
SECONDS = {"pending": 16, "up": 45, "agent": 50, "shutdown": 20, "registration": 10, "drain": 20}


class Hosts:
    """@param fates of new hosts, by their fleet and how-manieth launch there: `app 2`"""

    def __init__(self, mackerel: str, key: str, fates: dict):
        self.mackerel, self.key, self.fates = mackerel, key, fates
        self.up, self.count = {}, {}
        self.fleets = {}

    def is_up(self, instance_id: str) -> bool:
        return self.up.get(instance_id, 1e15) <= clock.now()

    def launched(self, reservation) -> None:
        for instance in reservation.instances:
            fleet = _tags(instance)["irekae:fleet"]
            count = self.count[fleet] = self.count.get(fleet, 0) + 1
            self._begin(instance, self.fates.get(f"{fleet} {count}", "healthy"))

    def _begin(self, instance, fate: str) -> None:
        if fate == "dies":
            clock.later(35, lambda: self._die(instance))
            return
        self.up[instance.id] = clock.now() + SECONDS["up"]
        if fate != "never-registers":
            clock.later(SECONDS["agent"], lambda: instance.state == "running" and self.register(instance))

    def _die(self, instance) -> None:
        instance.terminate()
        instance.state_reason = type(instance.state_reason)("Server.InternalError: Internal error on launch", "Server.InternalError")
        _set(instance, "terminated", 48)

    def register(self, instance, status: str = "working") -> None:
        where = self.fleets[_tags(instance)["irekae:fleet"]]
        host = self._ask("hosts", {
            "name": f"ip-{instance.id}", "customIdentifier": f"{instance.id}.ec2.amazonaws.com",
            "roleFullnames": [f"{where['service']}:{where['role']}"], "interfaces": [],
            "meta": {"cloud": {"provider": "ec2", "metadata": {"instance-id": instance.id}}},
        })
        self._ask(f"hosts/{host['id']}/status", {"status": status})

    def _ask(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"{self.mackerel}/api/v0/{path}", json.dumps(body).encode(),
            {"X-Api-Key": self.key, "Content-Type": "application/json", "X-Now": str(clock.now())}, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def _tags(instance) -> dict:
    return {tag["key"]: tag["value"] for tag in instance.get_tags()}
