/** The events of EC2 and SSM about images and parameters, as AWS documents them. (S3 reports its uploads itself.) */
import type { Surroundings } from './surroundings.ts';

/** An event on the account's default bus. */
export interface AwsEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: object;
}

type Told = Pick<AwsEvent, 'source' | 'detail-type' | 'resources' | 'detail'>;

export class AwsEvents {
  readonly #world: Surroundings;
  readonly #listeners: ((event: AwsEvent) => void)[] = [];
  #serial = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  on(listener: (event: AwsEvent) => void): void {
    this.#listeners.push(listener);
  }

  imageAvailable(imageId: string): void {
    const detail = { RequestId: '', ImageId: imageId, State: 'available', ErrorMessage: '' };
    this.#tell({
      source: 'aws.ec2',
      'detail-type': 'EC2 AMI State Change',
      resources: [this.#arn('ec2', '', `image/${imageId}`)],
      detail,
    });
  }

  /** @param tags all tags that the image has now */
  imageTagged(imageId: string, changed: readonly string[], tags: Readonly<Record<string, string>>): void {
    this.#tell({
      source: 'aws.tag',
      'detail-type': 'Tag Change on Resource',
      resources: [this.#arn('ec2', this.#world.account, `image/${imageId}`)],
      detail: { 'changed-tag-keys': changed, tags, service: 'ec2', 'resource-type': 'image', version: 1 },
    });
  }

  parameterChanged(name: string, operation: 'Create' | 'Update'): void {
    this.#tell({
      source: 'aws.ssm',
      'detail-type': 'Parameter Store Change',
      resources: [this.#arn('ssm', this.#world.account, `parameter/${name.replace(/^\//, '')}`)],
      detail: { name, operation, type: 'String' },
    });
  }

  #arn(service: string, account: string, resource: string): string {
    return `arn:aws:${service}:${this.#world.region}:${account}:${resource}`;
  }

  #tell(told: Told): void {
    const { random, account, region, now } = this.#world;
    this.#serial += 1;
    const hex = random.branch(`aws event ${this.#serial}`);
    const event: AwsEvent = {
      version: '0',
      id: [8, 4, 4, 4, 12].map((length) => hex.hex(length)).join('-'),
      account,
      time: new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      region,
      ...told,
    };
    for (const listener of this.#listeners) listener(event);
  }
}
