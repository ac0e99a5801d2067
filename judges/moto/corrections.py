"""
What moto 5.2.1 lacks or gets wrong, as far as a deployment meets it: each a function, with the page of AWS's
documentation that says how it is. They change moto's own classes before its server begins.
"""
import contextlib
import json
import threading
import types
import uuid

import clock


def time_goes_by() -> None:
    """
    Ours, not AWS's: everything is told on the clock of the run, which an execution moves when it waits. In definitions nothing
    is changed. Limits of tasks (TimeoutSeconds) stay real seconds, as the functions' own.
    """
    import moto.core.utils as utils
    utils.datetime = clock.datetime
    from moto.stepfunctions.parser import models
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state import state
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
    from moto.stepfunctions.parser.asl.eval.event import event_manager
    from moto.stepfunctions.parser.backend import execution
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
    for module in (models, state, event_manager, execution):
        module.datetime = clock.datetime
    retrier_decl.time = types.SimpleNamespace(sleep=clock.sleep)
    worker, run = ExecutionWorker.start, ExecutionWorker._execution_logic

    def start(self):
        clock.begins()
        worker(self)

    def logic(self):
        try:
            run(self)
        finally:
            clock.ends()

    ExecutionWorker.start, ExecutionWorker._execution_logic = start, logic
    wait_function.WaitFunction._wait_interval = lambda self, env, wait_seconds: clock.sleep(
        wait_seconds, lambda: not env.is_running())


def functions_are_ours(endpoint: str) -> None:
    """
    moto runs functions in Docker. Ours run the deployed bundle:
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    import boto3
    from botocore.config import Config
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    def client(region, service, state_credentials=None):
        patience = Config(retries={"total_max_attempts": 1}, read_timeout=900, parameter_validation=False)
        made = boto3.client(service, region_name=region, endpoint_url=endpoint, config=patience,
                            aws_access_key_id="machine", aws_secret_access_key="machine")
        made.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.add_header("x-now", str(clock.now())))
        return made

    lambda_eval_utils.boto_client_for = client


def rules_start_state_machines() -> None:
    """
    moto's rules know no state machine as a target, and S3's events skip the target's transformer:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html and …/eb-transform-target-input.html.
    What matches, and what the transformer makes of it, is moto's own.
    """
    from moto.core.utils import unix_time
    from moto.events.models import Rule
    from moto.events.utils import EventTemplateParser
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends as machines

    def send(self, event, transform_input=True):
        event = {**event, "id": str(uuid.uuid4()), "ingestion-time": unix_time()}
        if self.state != "ENABLED" or not self.event_pattern.matches_event(event):
            return
        for target in self.targets:
            _, _, service, region, account, *_ = target["Arn"].split(":")
            if service != "states":
                continue
            with_input = target.get("InputTransformer")
            given = target.get("Input") or json.dumps(_transformed(EventTemplateParser, with_input, event))
            machines[account][region].start_execution(target["Arn"], f"{event['id']}_{uuid.uuid4()}"[:80], given)

    Rule.send_to_targets = send


def uploads_are_told() -> None:
    """
    moto tells of every object that somebody else wrote it, in a way that S3 has no word for:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    from moto.events.models import events_backends
    from moto.s3 import notifications
    reasons = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject", "CompleteMultipartUpload": "CompleteMultipartUpload"}
    reasons = {f"s3:ObjectCreated:{event}": reason for event, reason in reasons.items()}

    def send(account_id, bucket, event_name, key):
        reason = reasons.get(event_name.value)
        if reason is None:
            return
        event = {
            "version": "0", "detail-type": "Object Created", "source": "aws.s3", "account": account_id,
            "region": bucket.region_name, "time": clock.now(), "resources": [bucket.arn],
            "detail": {
                "version": "0", "bucket": {"name": bucket.name}, "reason": reason, "requester": account_id,
                "object": {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "version-id": key.version_id,
                           "sequencer": f"{int(clock.now() * 1e6):018X}"},
                "request-id": uuid.uuid4().hex[:16].upper(), "source-ip-address": "127.0.0.1",
            },
        }
        for rule in list(events_backends[account_id][bucket.region_name].event_buses["default"].rules.values()):
            if rule.event_pattern and not rule.scheduled_expression:
                rule.send_to_targets(event)

    notifications._send_event_bridge_message = send


def _transformed(parser, transformer, event):
    """A variable stands without quotes in the template, and its value is written as JSON: moto leaves the quotes out."""
    paths = transformer["InputPathsMap"]
    template = transformer["InputTemplate"]
    for name in paths:
        template = template.replace(f":<{name}>", f':"<{name}>"')
    return parser.parse(input_template=template, input_paths_map=paths, event=event)


def machines_run_more_than_once() -> None:
    """
    moto copies a machine with all of its executions, and fails at their threads:
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    from moto.stepfunctions.models import StepFunctionBackend
    from moto.stepfunctions.parser.backend.execution import Execution
    for each in (StepFunctionBackend, Execution):
        each.__deepcopy__ = lambda self, memo: self


def writes_to_a_table_are_whole() -> None:
    """
    moto's table lets two requests at once see each other's halves:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
    """
    from moto.dynamodb.responses import DynamoHandler
    whole, turn = DynamoHandler.call_action, threading.RLock()

    def call(self):
        with turn:
            return whole(self)

    DynamoHandler.call_action = call


def images_are_what_was_registered() -> None:
    """
    moto keeps nothing of an image but its name:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html
    """
    from moto.ec2.responses.amis import AmisResponse
    whole = AmisResponse.register_image

    def register(self):
        answer = whole(self)
        image = self.ec2_backend.amis[answer.result["ImageId"]]
        image.architecture = self._get_param("Architecture")
        image.root_device_name = self._get_param("RootDeviceName")
        return answer

    AmisResponse.register_image = register


def endings_are_told() -> None:
    """
    moto's executions end without an event:
    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    from moto.events.models import events_backends
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication as Communication
    whole = Communication.terminated

    def terminated(self):
        whole(self)
        execution = self.execution
        event = {
            "version": "0", "detail-type": "Step Functions Execution Status Change", "source": "aws.states",
            "account": execution.account_id, "region": execution.region_name, "time": clock.now(),
            "resources": [execution.exec_arn],
            "detail": {"executionArn": execution.exec_arn, "name": execution.name,
                       "stateMachineArn": execution.state_machine.arn, "status": execution.status},
        }
        rules = events_backends[execution.account_id][execution.region_name].event_buses["default"].rules
        for rule in list(rules.values()):
            if rule.event_pattern and not rule.scheduled_expression:
                rule.send_to_targets(event)

    Communication.terminated = terminated


def launches_are_idempotent(launched) -> None:
    """
    moto stores a client token and launches again; it launches MinCount, not MaxCount; and it puts no tag of EC2's own on
    what comes from a template: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html and
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-instances-from-launch-template.html
    @param launched is told each new reservation, in EC2's order
    """
    from moto.ec2.models.instances import InstanceBackend
    from moto.ec2.responses.instances import InstanceResponse
    whole = InstanceBackend.run_instances
    respond = InstanceResponse.run_instances
    system = "aws:ec2launchtemplate:id"
    known, turn, most = {}, threading.Lock(), threading.local()

    def response(self):
        most.count = int(self._get_param("MaxCount"))
        most.template = self._get_param("LaunchTemplate.LaunchTemplateId") or self._get_param("LaunchTemplate", {}).get("LaunchTemplateId")
        return respond(self)

    def run(self, image_id, count, user_data, groups, **kwargs):
        token = (self.account_id, kwargs.get("client_token"), kwargs.get("subnet_id"))
        with turn:
            if token not in known:
                known[token] = whole(self, image_id, getattr(most, "count", count), user_data, groups, **kwargs)
                if most.template:
                    for each in known[token].instances:
                        each.add_tags({system: most.template})
                launched(known[token])
            return known[token]

    InstanceResponse.run_instances = response
    InstanceBackend.run_instances = run


def instances_are_found_by_their_token() -> None:
    """
    moto answers the filter `client-token` with HTTP 500:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
    """
    import fnmatch

    from moto.ec2 import utils
    whole = utils.passes_filter_dict

    def passes(instance, filters):
        tokens = filters.get("client-token")
        others = {name: values for name, values in filters.items() if name != "client-token"}
        is_found = tokens is None or any(fnmatch.fnmatchcase(instance.client_token or "", each) for each in tokens)
        return is_found and whole(instance, others)

    utils.passes_filter_dict = passes


def instances_take_their_time(seconds: dict) -> None:
    """
    moto's instances run at once and are terminated at once:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
    """
    from moto.ec2.models.instances import Instance
    born, end = Instance.__init__, Instance.terminate

    def init(self, *args, **kwargs):
        born(self, *args, **kwargs)
        self._state.name, self._state.code = "pending", 0
        clock.later(seconds["pending"], lambda: self._state.code == 0 and _set(self, "running", 16))

    def terminate(self):
        if self._state.code in (32, 48):
            return types.SimpleNamespace(name=self._state.name, code=self._state.code)
        before = end(self)
        _set(self, "shutting-down", 32)
        clock.later(seconds["shutdown"], lambda: _set(self, "terminated", 48))
        return before

    Instance.__init__, Instance.terminate = init, terminate


def _set(instance, name: str, code: int) -> None:
    instance._state.name, instance._state.code = name, code


def balancers_check_health(is_up, seconds: dict) -> None:
    """
    moto's balancer finds every running instance healthy at once, registers twice what is registered twice, answers
    a registration with an empty list, and does not drain:
    https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_DescribeInstanceHealth.html and
    …/API_RegisterInstancesWithLoadBalancer.html
    @param is_up does the application of this instance answer?
    """
    from moto.core.responses import ActionResult
    from moto.elb.responses import ELBResponse
    registered, draining, turn = {}, {}, threading.Lock()
    in_service = set()

    def ids(self):
        return [each["InstanceId"] for each in self._get_param("Instances", [])]

    def members(self, name):
        return self.elb_backend.get_load_balancer(name).instance_sparse_ids

    def register(self):
        name = self._get_param("LoadBalancerName")
        with turn:
            there = members(self, name)
            for each in ids(self):
                if each not in there:
                    there.append(each)
                    registered[each] = clock.now()
                draining.pop(each, None)
            return ActionResult({"Instances": [{"InstanceId": each} for each in there]})

    def deregister(self):
        name = self._get_param("LoadBalancerName")
        with turn:
            there = members(self, name)
            for each in ids(self):
                if each in there:
                    there.remove(each)
                    if each in in_service:
                        draining[each] = clock.now()
                    in_service.discard(each)
            return ActionResult({"Instances": [{"InstanceId": each} for each in there]})

    def health_of(there, each):
        if draining.get(each, -1e12) + seconds["drain"] > clock.now():
            return "InService", "Instance deregistration currently in progress."
        if each not in there:
            return "OutOfService", "Instance is not currently registered with the LoadBalancer."
        if registered.get(each, 0) + seconds["registration"] > clock.now():
            return "OutOfService", "Instance registration is still in progress."
        if not is_up(each):
            return "OutOfService", "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
        in_service.add(each)
        return "InService", "N/A"

    def health(self):
        name = self._get_param("LoadBalancerName")
        with turn:
            there = members(self, name)
            drained = [each for each, at in draining.items() if at + seconds["drain"] > clock.now()]
            asked = ids(self) or [*there, *drained]
            states = []
            for each in asked:
                state, why = health_of(there, each)
                reason = "N/A" if why == "N/A" else "ELB" if "registration is still" in why else "Instance"
                states.append({"InstanceId": each, "State": state, "Description": why, "ReasonCode": reason})
            return ActionResult({"InstanceStates": states})

    ELBResponse.register_instances_with_load_balancer = register
    ELBResponse.deregister_instances_from_load_balancer = deregister
    ELBResponse.describe_instance_health = health


@contextlib.contextmanager
def ids_given(module, function: str, ids: list):
    """moto draws ids; those of the fleets file are given."""
    drawn, left = getattr(module, function), list(ids)
    setattr(module, function, lambda *args, **kwargs: left.pop(0) if left else drawn(*args, **kwargs))
    yield
    setattr(module, function, drawn)
