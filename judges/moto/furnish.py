"""Makes the resources of the templates in moto, and what the fleets file names: subnets, groups, images, old hosts."""
import json

import boto3
import clock
from corrections import ids_given


class Account:
    def __init__(self, url: str, stack: dict):
        self.url, self.stack, self.account, self.region = url, stack, stack["account"], stack["region"]

    def client(self, service: str):
        made = boto3.client(service, region_name=self.region, endpoint_url=self.url,
                            aws_access_key_id="furnisher", aws_secret_access_key="furnisher")
        made.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.add_header(
            "x-moto-account-id", self.account))
        return made


def bucket(to, name, properties):
    s3 = to.client("s3")
    s3.create_bucket(Bucket=properties["BucketName"], CreateBucketConfiguration={"LocationConstraint": to.region})
    s3.put_bucket_versioning(Bucket=properties["BucketName"], VersioningConfiguration=properties["VersioningConfiguration"])
    told = properties["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"]
    s3.put_bucket_notification_configuration(
        Bucket=properties["BucketName"], NotificationConfiguration={"EventBridgeConfiguration": {}} if told else {})


def table(to, name, properties):
    to.client("dynamodb").create_table(
        TableName=name, BillingMode=properties["BillingMode"], KeySchema=properties["KeySchema"],
        AttributeDefinitions=properties["AttributeDefinitions"])


def topic(to, name, properties):
    to.client("sns").create_topic(Name=name)


def queue(to, name, properties):
    to.client("sqs").create_queue(QueueName=name)


def launch_template(to, name, properties):
    from moto.ec2.models import launch_templates
    with ids_given(launch_templates, "random_launch_template_id", [name]):
        to.client("ec2").create_launch_template(LaunchTemplateName=properties["LaunchTemplateName"],
                                                TagSpecifications=properties["TagSpecifications"],
                                                LaunchTemplateData=properties["LaunchTemplateData"])


def role(to, name, properties):
    to.client("iam").create_role(RoleName=name, Path=properties.get("Path", "/"), AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]))


def profile(to, name, properties):
    iam = to.client("iam")
    iam.create_instance_profile(InstanceProfileName=name, Path=properties.get("Path", "/"))
    for each in properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=each)


def machine(to, name, properties):
    to.client("stepfunctions").create_state_machine(
        name=name, definition=properties["DefinitionString"], roleArn=properties["RoleArn"],
        type=properties["StateMachineType"])


def rule(to, name, properties):
    if "EventPattern" not in properties:
        return
    events = to.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(properties["EventPattern"]), State=properties["State"])
    events.put_targets(Rule=name, Targets=properties["Targets"])


#: In this order. Of the other types nothing is met by a deployment: logs, alarms, dashboards, policies, permissions.
MAKERS = {
    "AWS::IAM::Role": role, "AWS::IAM::InstanceProfile": profile, "AWS::S3::Bucket": bucket,
    "AWS::DynamoDB::GlobalTable": table, "AWS::SNS::Topic": topic, "AWS::SQS::Queue": queue,
    "AWS::EC2::LaunchTemplate": launch_template, "AWS::StepFunctions::StateMachine": machine, "AWS::Events::Rule": rule,
}


def furnish(url: str, stack: dict, hosts) -> list:
    to = Account(url, stack)
    _network(to, stack["fleets"])
    for kind, make in MAKERS.items():
        for each in stack["resources"]:
            if each["type"] == kind:
                make(to, each["name"], each["properties"])
    image = _image(to, stack["fleets"][0])
    _runtimes(to, stack)
    to.client("ssm").put_parameter(Name=stack["fleets"][0]["mackerel"]["apiKeyParameter"], Type="SecureString", Value=hosts.key)
    return [_old_hosts(to, fleet, image, hosts) for fleet in stack["fleets"]]


def _network(to, fleets) -> None:
    from moto.ec2.models import security_groups, subnets
    ec2 = to.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    wanted = list(dict.fromkeys(each for fleet in fleets for each in fleet["subnets"]))
    with ids_given(subnets, "random_subnet_id", wanted):
        for index, _ in enumerate(wanted):
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZone=f"{to.region}{'ac'[index % 2]}")
    groups = list(dict.fromkeys(each for fleet in fleets for each in fleet["securityGroups"]))
    with ids_given(security_groups, "random_security_group_id", groups):
        for each in groups:
            ec2.create_security_group(GroupName=each, Description="of the fleets file", VpcId=vpc)
    elb = to.client("elb")
    for name in {ref["name"] for fleet in fleets for ref in fleet["loadBalancers"]}:
        elb.create_load_balancer(LoadBalancerName=name, Subnets=wanted, Listeners=[
            {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 80}])
        elb.configure_health_check(LoadBalancerName=name, HealthCheck={
            "Target": "HTTP:80/", "Interval": 5, "Timeout": 2, "UnhealthyThreshold": 2, "HealthyThreshold": 2})
        elb.modify_load_balancer_attributes(LoadBalancerName=name, LoadBalancerAttributes={
            "ConnectionDraining": {"Enabled": True, "Timeout": 30}})


def _runtimes(to, stack) -> None:
    (artifacts,) = [each["name"] for each in stack["resources"] if each["type"] == "AWS::S3::Bucket"]
    for key in {runtime["key"] for fleet in stack["fleets"] for runtime in fleet["runtimes"]}:
        to.client("s3").put_object(Bucket=artifacts, Key=key, Body=f"a runtime: {key}".encode())


def _image(to, fleet) -> str:
    ec2 = to.client("ec2")
    source = fleet["image"]
    made = ec2.register_image(Name=source["namePattern"].replace("*", "2026-11-20"), Architecture=fleet["architecture"],
                              RootDeviceName=fleet["launchTemplate"]["rootDevice"])["ImageId"]
    ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in source["tags"].items()])
    return made


def _old_hosts(to, fleet, image, hosts) -> dict:
    """They have run for long; nobody launched them in this run."""
    from moto.ec2.models import ec2_backends
    ec2, elb = to.client("ec2"), to.client("elb")
    hosts.fleets[fleet["name"]] = fleet["mackerel"]
    ids = []
    for subnet in fleet["subnets"]:
        tags = [{"Key": "irekae:fleet", "Value": fleet["name"]}, {"Key": "Name", "Value": fleet["name"]}]
        made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType=fleet["instanceTypes"][0],
                                 ClientToken=f"old-{fleet['name']}-{subnet}",
                                 TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
        ids.append(made["Instances"][0]["InstanceId"])
    for each in ids:
        instance = ec2_backends[to.account][to.region].get_instance(each)
        instance._state.name, instance._state.code = "running", 16
        instance.launch_time = clock.datetime.datetime.utcnow() - clock.datetime.timedelta(days=2)
        hosts.up[each] = 0
        hosts.register(instance)
    for ref in fleet["loadBalancers"]:
        elb.register_instances_with_load_balancer(LoadBalancerName=ref["name"], Instances=[{"InstanceId": each} for each in ids])
    return {"fleet": fleet["name"], "instances": ids}
