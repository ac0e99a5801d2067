/** CDK's feature flags, as `cdk.json` has them: in whichever app the stacks are made, they come out the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';

let read: Readonly<Record<string, unknown>> | undefined;

export function featureFlags(): Readonly<Record<string, unknown>> {
  read ??= Object(
    JSON.parse(readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8')).context,
  ) as object as Record<string, unknown>;
  return read;
}

/** Before anything is in the stack. What the app says of the same flag holds for its other stacks. */
export function withOwnFlags(stack: Stack): void {
  for (const [flag, value] of Object.entries(featureFlags())) stack.node.setContext(flag, value);
}
