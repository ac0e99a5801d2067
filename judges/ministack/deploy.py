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
failed = cdk("bootstrap", f"aws://{account}/{region}") or cdk(
    "deploy", *given["stacks"], "--require-approval", "never", "--progress", "events"
)
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
print(json.dumps(answer))
