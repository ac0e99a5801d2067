"""What happens to the accounts of a run from outside, and what can be seen of them: one line of JSON in, one out."""
import contextlib
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
        # Nothing happens meanwhile, unless it is waited for.
        with contextlib.nullcontext() if asked["do"] in ("wait", "settle") else clock.work():
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
    clock.nudge()


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
    return {"executions": [_execution(each) for each in _executions()], "fleets": {
        fleet["name"]: {"hosts": _hosts(to, fleet), "lock": _lock(to, fleet["name"]), "records": _records(to, fleet["name"])}
        for to in accounts.values() for fleet in to.stack["fleets"]}}


def tags(accounts):
    """Of every instance that there ever was."""
    from moto.ec2.models import ec2_backends
    return {instance.id: {tag["key"]: tag["value"] for tag in instance.get_tags()}
            for to in accounts.values() for reservation in ec2_backends[to.account][to.region].reservations.values()
            for instance in reservation.instances}


def _execution(each):
    events = each.to_history_output()["events"]
    said = {name: value for name, value in (("error", each.error), ("cause", each.cause)) if value}
    return {"machine": each.state_machine.name, "status": each.status, **said,
            "states": [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]}


def _hosts(to, fleet):
    """Those that are alive."""
    found = to.client("ec2").describe_instances(Filters=[
        {"Name": "tag:irekae:fleet", "Values": [fleet["name"]]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}])
    serving = {
        each["InstanceId"] for ref in fleet["loadBalancers"]
        for each in to.client("elb").describe_instance_health(LoadBalancerName=ref["name"])["InstanceStates"]
        if each["State"] == "InService"}
    return [{"id": each["InstanceId"], "state": each["State"]["Name"], "serves": each["InstanceId"] in serving,
             "isNew": any(tag["Key"] == "irekae:deployment" for tag in each["Tags"])}
            for reservation in found["Reservations"] for each in reservation["Instances"]]


def _lock(to, fleet):
    (table,) = to.client("dynamodb").list_tables()["TableNames"]
    row = to.client("dynamodb").get_item(TableName=table, Key={"fleet": {"S": fleet}}).get("Item", {})
    return "held" if "holder" in row else "free"


def _records(to, fleet):
    """How its deployments have ended, by their records."""
    s3 = to.client("s3")
    (bucket,) = [each["name"] for each in to.stack["resources"] if each["type"] == "AWS::S3::Bucket"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"irekae/{fleet}/deployments/").get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["outcome"] for key in keys if key.endswith(".json")]


def _executions():
    """Of all machines, in the order of their starts."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends as backends
    found = [execution for regions in list(backends.values()) for backend in list(regions.values())
             for machine in backend.state_machines for execution in machine.executions]
    return sorted(found, key=lambda each: each.start_date)


ACTS = {each.__name__: each for each in (upload, place, start, stop, wait, settle, told, tags)}
