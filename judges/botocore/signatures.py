"""Recomputes the signature of each request (a line of JSON) with botocore, AWS's own; prints what it would refuse."""
import base64
import hashlib
import json
import re
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, *SignedHeaders=([^,]+), *Signature=(\w+)"
)
#: What S3 wants signed beside the host: every header of its own.
OWN = re.compile(r"x-amz-|content-md5$")


def objection(asked):
    headers = asked["headers"]
    found = AUTHORIZATION.match(headers.get("authorization", ""))
    if not found:
        return "it is not signed"
    key, date, region, service, names, signature = found.groups()
    names = names.split(";")
    if "host" not in names:
        return "its host is not signed"
    unsigned = [name for name in headers if OWN.match(name) and name not in names]
    if unsigned:
        return f"{', '.join(unsigned)} is not signed"
    if not headers["x-amz-date"].startswith(date):
        return "its scope is of another day"
    body = base64.b64decode(asked["body"])
    claimed = headers.get("x-amz-content-sha256")
    if claimed not in (None, "UNSIGNED-PAYLOAD") and claimed != hashlib.sha256(body).hexdigest():
        return "its body is not the one that was signed"
    request = AWSRequest(
        method=asked["method"],
        url=f"http://{headers['host']}{asked['url']}",
        data=body,
        headers={name: headers[name] for name in names},
    )
    request.context["timestamp"] = headers["x-amz-date"]
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(key, asked["secret"]), service, region)
    words = auth.string_to_sign(request, auth.canonical_request(request))
    return None if auth.signature(words, request) == signature else "its signature is another one"


count = 0
services = set()
against = []
for line in sys.stdin:
    asked = json.loads(line)
    # Sent by something that does not sign: the instance's metadata, Mackerel.
    if "authorization" not in asked["headers"]:
        continue
    count += 1
    why = objection(asked)
    found = AUTHORIZATION.match(asked["headers"]["authorization"])
    services.add(found.group(4) if found else "?")
    if why:
        against.append(f"{asked['method']} {asked['url'][:80]}: {why}")
print(json.dumps({"count": count, "services": sorted(services), "against": against}))
