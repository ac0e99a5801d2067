/** Can the fleet be launched from the launch template that it was given? */
import { decideTemplate, misfitsOf } from '../../../lambdas/domain/launch/launch-template.ts';
import { type Check, check, decided } from './check.ts';
import type { Finding } from './finding.ts';
import { happened, inFleetsFile } from './mending.ts';

const template = check('launch-template');

/** One that irekae has made is as it was deployed, which another check looks at. */
export const checkLaunchTemplate: Check = (facts, { fleet }) => {
  const { id, given } = fleet.launchTemplate;
  if (!given) return [];
  return template.given('the launch template', [facts.template], (found) =>
    decided<readonly Finding[]>(
      () => {
        const { reason } = decideTemplate(fleet, found);
        const staying = found?.volumes.filter(({ stays }) => stays).map(({ device }) => device) ?? [];
        return [
          template.ok(reason),
          ...staying.map((device) =>
            template.warning(
              `its volume ${device} outlives its instance: each deployment leaves one behind for every host`,
              `Set DeleteOnTermination of ${device} to true in a new version of ${id}.`,
            ),
          ),
        ];
      },
      ({ name, message }) => [
        template.problem(
          happened(message),
          found
            ? misfitsOf(given, found).map(({ mend }) => mend.charAt(0).toUpperCase() + mend.slice(1))
            : inFleetsFile(fleet.name, 'correct launchTemplate'),
          name,
        ),
      ],
      'LaunchTemplateUnusable',
    ),
  );
};
