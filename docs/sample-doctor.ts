/** What `irekae doctor` prints for the example on the modelled world, shortened: the output of the real command. */

import { irekae } from '../bin/command/irekae.ts';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import type { CommandPorts } from '../lambdas/ports/command.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { imagesOfAnyAccount, worldTagger } from '../simulator/command-ports.ts';
import { Stage, UNTUNED } from '../simulator/stage.ts';
import { definitionsIn, worldInspector } from '../simulator/world/inspection.ts';
import { block } from './markdown.ts';

/**
 * @param fleet one behind an untuned load balancer, so that there is something to find
 * @throws Error when it finds a problem
 */
export async function sampleDoctor(template: TemplateJson, fleet: string): Promise<string> {
  const stage = new Stage({ template, fleet, seed: 1, balancers: UNTUNED });
  const lines = [`$ npx --no -- irekae doctor ${fleet}`];
  try {
    stage.upload();
    const examined = irekae(['doctor', fleet], {
      fleetsFile,
      connect: async ({ account }) => ({
        caller: { account, arn: `arn:aws:sts::${account}:assumed-role/Operator/hanako` },
        ports: async () => portsOf(stage, template, account),
      }),
      surface: { columns: () => 120 },
      print: (line) => lines.push(line),
      complain: (line) => lines.push(line),
    });
    const exitCode = await examined;
    if (exitCode !== 0) throw new Error(`The doctor found a problem in the example:\n${lines.join('\n')}`);
    return block('text', shortened(lines).join('\n'));
  } finally {
    stage.close();
  }
}

/** Without latency: time stands still while CDK loads, and the doctor waits for nothing. */
const portsOf = ({ world, fleet }: Stage, template: TemplateJson, account: string): CommandPorts => ({
  ...world.ports,
  ec2: imagesOfAnyAccount(world.ports.ec2, account),
  tagger: worldTagger(world),
  // Nothing is removed here.
  remover: { deleteStack: async () => {} },
  inspector: worldInspector(world, fleet, definitionsIn(template)),
  pause: async () => {},
});

/** Of what is fine, only the first row. */
function shortened(lines: readonly string[]): string[] {
  const fine = lines.indexOf('Fine');
  const end = lines.findIndex((line, index) => index > fine && line === '');
  return [...lines.slice(0, fine + 2), '  …', ...lines.slice(end)];
}
