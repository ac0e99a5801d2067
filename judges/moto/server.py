"""moto's server for one story: corrected, on the run's clock, and furnished. Its one argument is a file of JSON."""
import json
import logging
import os
import sys
import threading

with open(sys.argv[1], encoding="utf-8") as given:
    RUN = json.load(given)
os.environ["MOTO_PORT"] = str(RUN["port"])
# moto brings hundreds of images, and needs seconds for them.
os.environ["MOTO_AMIS_PATH"] = RUN["noImages"]

import clock  # noqa: E402

clock.begin(RUN["start"])
import corrections  # noqa: E402

corrections.time_goes_by()
from hosts import SECONDS, Hosts  # noqa: E402

from moto.core.config import default_user_config  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

logging.getLogger("werkzeug").setLevel(logging.ERROR)
default_user_config["stepfunctions"] = {"execute_state_machine": True}
corrections.functions_are_ours(RUN["functions"])
corrections.rules_start_state_machines()
corrections.uploads_are_told()
corrections.machines_run_more_than_once()
corrections.endings_are_told()
corrections.writes_to_a_table_are_whole()
corrections.images_are_what_was_registered()
HOSTS = Hosts(RUN["mackerel"], RUN["key"], RUN["fates"])
corrections.instances_are_found_by_their_token()
corrections.instances_take_their_time(SECONDS)
corrections.launches_are_idempotent(lambda reservation: FURNISHED.is_set() and HOSTS.launched(reservation))
corrections.balancers_check_health(HOSTS.is_up, SECONDS)
FURNISHED = threading.Event()

server = make_server("127.0.0.1", RUN["port"], DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
from furnish import Account, furnish  # noqa: E402
from stage import listen  # noqa: E402

with clock.work():
    url = f"http://127.0.0.1:{RUN['port']}"
    old = [each for stack in RUN["stacks"] for each in furnish(url, stack, HOSTS)]
FURNISHED.set()
print(json.dumps({"id": 0, "ready": old}), flush=True)
listen({stack["environment"]: Account(url, stack) for stack in RUN["stacks"]})
