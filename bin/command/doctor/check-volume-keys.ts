/** May a deployment use the KMS keys that its volumes are encrypted with? EC2 ends an instance at once where it may not. */
import { count, list } from '../../../lambdas/domain/core/words.ts';
import { type Check, check } from './check.ts';
import { inFleetsFile } from './mending.ts';

const keys = check('volume-keys');

/** Where nobody could look for the image, that is told once. */
export const checkVolumeKeys: Check = (facts, subject) => (facts.image.known ? keysOf(facts, subject) : []);

const keysOf: Check = ({ volumeKeys }, { fleet, kmsKeys }) =>
  keys.given('the KMS keys of its volumes', [volumeKeys], (used) => {
    const missing = used.filter((key) => !kmsKeys.includes(key));
    if (missing.length > 0)
      return keys.problem(
        `its volumes are encrypted with ${list(missing)}, which its deployments may not use: EC2 would end each new instance at once`,
        inFleetsFile(
          fleet.name,
          `kmsKeys: [${[...kmsKeys, ...missing].map((key) => `'${key}'`).join(', ')}]`,
        ),
        'NewHostDied',
      );
    return keys.ok(
      used.length === 0
        ? 'its volumes are encrypted with AWS’s own key'
        : `its deployments may use the ${count(used.length, 'KMS key')} of its volumes`,
    );
  });
