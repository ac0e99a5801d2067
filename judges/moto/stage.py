"""What happens to the accounts of a run from outside, and what can be seen of them: one line of JSON in, one out."""
import json
import sys
import threading
import time

import clock

#: Real seconds between looks, and how many of them nothing may run in before it is over.
LOOK, QUIET = 0.1, 5


def listen(accounts: dict) -> None:
    """Until whoever started this goes away."""
    for line in sys.stdin:
        asked = json.loads(line)
        threading.Thread(target=_answer, args=(accounts, asked), daemon=True).start()


def _answer(accounts: dict, asked: dict) -> None:
    try:
        said = {"answer": ACTS[asked["do"]](accounts, **asked["with"])}
    except Exception as error:  # Whoever asked has to hear of it.
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": asked["id"], **said}, default=str), flush=True)


def upload(accounts, environment, bucket, key, text):
    accounts[environment].client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


def place(accounts, environment, bucket, key, text):
    """As if the rules were not there yet."""
    from moto.events.models import events_backends
    to = accounts[environment]
    rules = list(events_backends[to.account][to.region].event_buses["default"].rules.values())
    for each in rules:
        each.disable()
    upload(accounts, environment, bucket, key, text)
    for each in rules:
        each.enable()


def start(accounts, environment, machine, name, input):
    to = accounts[environment]
    arn = f"arn:aws:states:{to.region}:{to.account}:stateMachine:{machine}"
    return to.client("stepfunctions").start_execution(stateMachineArn=arn, name=name, input=json.dumps(input))["executionArn"]


def stop(accounts, environment, machine):
    to = accounts[environment]
    for each in _executions():
        if each.state_machine.name == machine and each.status == "RUNNING":
            to.client("stepfunctions").stop_execution(executionArn=each.exec_arn)


def wait(accounts, seconds):
    clock.leap(seconds)


def settle(accounts, most):
    """@param most in real seconds"""
    end, quiet = time.monotonic() + most, 0
    while quiet < QUIET:
        if time.monotonic() > end:
            raise TimeoutError(", ".join(each.exec_arn for each in _executions() if each.status == "RUNNING"))
        time.sleep(LOOK)
        quiet = 0 if any(each.status == "RUNNING" for each in _executions()) else quiet + 1


def told(accounts):
    return [{
        "machine": each.state_machine.name, "status": each.status, **({"error": each.error} if each.error else {}),
        "states": [event["stateEnteredEventDetails"]["name"] for event in each.to_history_output()["events"]
                   if "stateEnteredEventDetails" in event],
    } for each in _executions()]


def _executions():
    """Of all machines, in the order of their starts."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends as backends
    found = [execution for regions in list(backends.values()) for backend in list(regions.values())
             for machine in backend.state_machines for execution in machine.executions]
    return sorted(found, key=lambda each: each.start_date)


ACTS = {each.__name__: each for each in (upload, place, start, stop, wait, settle, told)}
