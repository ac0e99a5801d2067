"""Within a network of its own: ministack, the CDK CLI that deploys to it, an upload. Says as JSON what came up.

Argument: a JSON file with assembly, stacks, account, region, folder, key and the paths of cdk and ministack.
"""
import collections
import json
import os
import subprocess
import sys
import time
import urllib.request

import boto3

# Whoever answers CloudFormation does it over TLS only.
ENDPOINT = "https://127.0.0.1:4566"
PATIENCE = 20

given = json.load(open(sys.argv[1]))
folder, account, region = given["folder"], given["account"], given["region"]
certificate, key = f"{folder}/ministack.pem", f"{folder}/ministack.key"
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
    check=True,
    capture_output=True,
)
environment = {
    **os.environ,
    # An access key of twelve digits is an account for ministack.
    **{"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": region},
    **{"AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL": ENDPOINT, "HOME": folder, "TMPDIR": folder},
    **{"BIND_HOST": "127.0.0.1", "MINISTACK_ACCOUNT_ID": account, "MINISTACK_REGION": region},
    **{"USE_SSL": "1", "MINISTACK_SSL_CERT": certificate, "MINISTACK_SSL_KEY": key},
    **{"NODE_EXTRA_CA_CERTS": certificate, "AWS_CA_BUNDLE": certificate, "SSL_CERT_FILE": certificate},
    **{"S3_DATA_DIR": f"{folder}/s3", "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"},
}
os.environ.update(environment)
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)


def answers():
    try:
        return urllib.request.urlopen(ENDPOINT, timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def cdk(*args):
    """The last words of a deployment that fails; nothing of one that does not."""
    command = ["node", given["cdk"], *args, "--app", given["assembly"], "--ci"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-1500:]


def deploy(*stacks):
    return cdk("deploy", *stacks, "--exclusively", "--require-approval", "never", "--progress", "events")


def changed(stack):
    """What CloudFormation says of a change that fails; nothing of one that does not."""
    stacks = boto3.client("cloudformation")
    where = f"{ENDPOINT}/{given['bucket']}/narrower.json"
    parameters = [{"ParameterKey": "BootstrapVersion", "UsePreviousValue": True}]
    stacks.update_stack(StackName=stack, TemplateURL=where, Capabilities=["CAPABILITY_NAMED_IAM"], Parameters=parameters)
    status = "UPDATE_IN_PROGRESS"
    until = time.time() + PATIENCE
    while status.endswith("_IN_PROGRESS") and time.time() < until:
        time.sleep(0.5)
        status = stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    if status == "UPDATE_COMPLETE":
        return None
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    return " | ".join([status] + [each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")])[:1500]


def executions():
    machines = boto3.client("stepfunctions")
    return [
        {"machine": machine["name"], **json.loads(machines.describe_execution(executionArn=each["executionArn"])["input"])}
        for machine in machines.list_state_machines()["stateMachines"]
        for each in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ]


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.Popen([given["ministack"]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while not answers():
    time.sleep(0.2)
failed = cdk("bootstrap", f"aws://{account}/{region}") or deploy(*given["stacks"])
answer = {"failed": failed, "resources": {}, "started": []}
if failed is None:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
    answer["resources"] = collections.Counter(
        one["ResourceType"]
        for stack in given["stacks"]
        for page in pages.paginate(StackName=stack)
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] == "CREATE_COMPLETE"
    )
    boto3.client("s3").put_object(Bucket=given["bucket"], Key=given["key"], Body=b"an artifact")
    until = time.time() + PATIENCE
    while time.time() < until and len(answer["started"]) < given["machines"]:
        time.sleep(0.5)
        answer["started"] = [each for each in executions() if "bucket" in each]
    # A deployment holds the lock: what would take a permission from its fleet is refused, before anything is changed.
    environment_stack, fleet = given["stacks"][0], given["fleet"]
    template = f"{given['assembly']}/{environment_stack}.template.json"
    [ledger] = [
        one["PhysicalResourceId"]
        for page in pages.paginate(StackName=environment_stack)
        for one in page["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::DynamoDB::GlobalTable"
    ]
    rows = boto3.client("dynamodb")
    holder = f"arn:aws:states:{region}:{account}:execution:irekae-{fleet}:deploy-7"
    held = {"fleet": fleet, "holder": holder, "generation": 1, "phase": "shift", "since": "2026-11-22T10:00:00.000Z", "startedBy": "CI"}
    given_row = {name: {"N" if isinstance(value, int) else "S": str(value)} for name, value in held.items()}
    rows.put_item(TableName=ledger, Item=given_row)
    narrower = json.load(open(template))
    needs = narrower["Resources"]["PermissionGuard"]["Properties"]["Needs"]
    # Words of four characters; what another fleet needs is not lost.
    needs[fleet] = ""
    # Not by the CLI, which uploads a template only once under the hash of the one that was synthesized.
    boto3.client("s3").put_object(Bucket=given["bucket"], Key="narrower.json", Body=json.dumps(narrower).encode())
    answer["refused"] = changed(environment_stack)
    rows.delete_item(TableName=ledger, Key={"fleet": {"S": fleet}})
    answer["allowed"] = changed(environment_stack)
    answer["closedBy"] = rows.get_item(TableName=ledger, Key={"fleet": {"S": fleet}}).get("Item", {}).get("holder", {}).get("S")
print(json.dumps(answer))
