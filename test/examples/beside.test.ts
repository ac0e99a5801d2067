/** Terraform and CloudFormation beside irekae: what they hand over is what the fleets file takes, and fits a deployment. */
import { describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/terraform/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { exampleFile } from './example-files.ts';

const handover = JSON.parse(exampleFile('terraform/handover.json'));
const terraform = exampleFile('terraform/main.tf');
const { Resources: resources } = JSON.parse(exampleFile('cloudformation/hosts.template.json'));

describe('The fleets file beside Terraform', () => {
  it('is right with what is handed over', () => {
    const [production] = readFleets(fleetsFile);
    expect(production?.fleets[0]).toMatchObject({
      launchTemplate: { id: handover.launchTemplate, version: 'newest' },
      subnets: handover.subnets,
      image: { from: 'parameter', parameter: handover.imageParameter },
    });
  });

  it.each([
    ['Terraform', /handover = \{\n([\s\S]*?)\n {2}\}/.exec(terraform)?.[1]?.matchAll(/^ +(\w+) +=/gm)],
    ['CloudFormation', String(resources.Handover.Properties.Value['Fn::Sub'][0]).matchAll(/"(\w+)":/g)],
  ])('takes exactly what %s hands over', (_, keys) =>
    expect([...(keys ?? [])].map(([, key]) => key)).toEqual(Object.keys(handover)),
  );

  it('is handed over as JSON by CloudFormation too', () => {
    const [text] = resources.Handover.Properties.Value['Fn::Sub'];
    const filled = String(text)
      .replace(/\$\{Subnets\}/, 'subnet-0a1b2c3d4e5f60003","subnet-0a1b2c3d4e5f60004')
      .replace(/\$\{[\w:.]+\}/g, 'x');
    expect(JSON.parse(filled).subnets).toEqual(handover.subnets);
  });
});

describe('What both declare', () => {
  it('leaves the members of load balancers to irekae', () => {
    expect(terraform).toMatch(/resource "aws_elb" "app" \{[\s\S]*?ignore_changes = \[instances\]/);
    expect(terraform).not.toMatch(/resource "aws_(instance|lb_target_group_attachment|elb_attachment)"/);
    expect(resources.LoadBalancer.Properties).not.toHaveProperty('Instances');
    expect(resources.TargetGroup.Properties).not.toHaveProperty('Targets');
  });

  it('is a launch template that a deployment takes', () => {
    const { LaunchTemplateData: data } = resources.LaunchTemplate.Properties;
    expect(data).toMatchObject({
      InstanceInitiatedShutdownBehavior: 'terminate',
      MetadataOptions: { HttpTokens: 'required' },
    });
    expect(data).not.toHaveProperty('UserData');
    expect(data).not.toHaveProperty('NetworkInterfaces');
    const block = /resource "aws_launch_template" "app" \{([\s\S]*?)\n\}/.exec(terraform)?.[1];
    expect(block).toMatch(/instance_initiated_shutdown_behavior = "terminate"/);
    expect(block).toMatch(/http_tokens +=\s"required"/);
    expect(block).not.toMatch(/user_data|network_interfaces|image_id|instance_type/);
  });
});
