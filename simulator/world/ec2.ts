/**
 * The modelled EC2: launches with client tokens, capacity and addresses, eventual consistency, termination with its
 * protection, images and subnets.
 */

import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { glob } from '../../lambdas/domain/core/pattern.ts';
import type {
  Ec2,
  Image,
  Instance,
  LaunchRequest,
  Subnet,
  TemplateVersion,
} from '../../lambdas/ports/ec2.ts';
import type { Refusal } from '../../lambdas/ports/refusal.ts';
import { addressOf, ModelInstance } from './instance.ts';
import { drawLife, type Ending, type Fate, fatedEnding, type Life, USER_SHUTDOWN } from './instance-life.ts';
import type { Surroundings } from './surroundings.ts';

/** What a scenario is given when an instance is launched. */
export interface LaunchedInstance {
  readonly instanceId: string;
  readonly zone: string;
  /** Position within its `RunInstances` call, from 0. */
  readonly index: number;
  /** How many instances were launched before it since the world was created. */
  readonly ordinal: number;
  readonly request: LaunchRequest;
}

export interface ModelImage extends Image {
  /** The account that owns it; `self` is the world's own. */
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ModelSubnet {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  /** How many instances fit into it. */
  readonly addresses: number;
}

/** An instance that exists since before the scenario begins. */
export interface ExistingInstance {
  readonly subnetId: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly ageSeconds: number;
}

/** The account's buckets of RunInstances, whoever calls: one of calls, one of instances. AWS documents both. */
const LAUNCH_BUCKETS = {
  calls: { size: 5, perSecond: 2 },
  instances: { size: 1_000, perSecond: 2 },
} as const;

/** EC2 asks to slow down: what the real adapter answers with once its patience is over. */
export class RequestLimitExceeded extends DeploymentError {
  constructor() {
    super(
      'ServiceUnavailable',
      'AWS could not launch instances now: RequestLimitExceeded: Request limit exceeded. It may pass: try again.',
    );
  }
}

/** One of the accounts that Amazon publishes its images from. */
const AMAZON = '137112412989';

/** EC2's own, beside the template's id. */
export const TEMPLATE_VERSION_TAG = 'aws:ec2launchtemplate:version';

const MAX_USER_DATA_BYTES = 16_384;
const MAX_TOKEN_CHARACTERS = 64;

/** What a deployment needs, and nothing else. */
const PLAIN_TEMPLATE: Omit<TemplateVersion, 'id' | 'version'> = {
  securityGroups: [],
  groupNames: [],
  shutdownBehavior: 'terminate',
  isTerminationProtected: false,
  isStopProtected: false,
  metadata: { tokens: 'required' },
  hasUserData: false,
  hasNetworkInterfaces: false,
  hasInstanceRequirements: false,
  tagKeys: [],
  volumes: [],
};

export class Ec2Model {
  /** Decides what happens to each launched instance. All are healthy unless a scenario says otherwise. */
  fate: (launched: LaunchedInstance) => Fate = () => ({ kind: 'healthy' });

  readonly #world: Surroundings;
  readonly #instances = new Map<string, ModelInstance>();
  /** Those that EC2 still describes, so that a long run does not get slower and slower. */
  readonly #known = new Map<string, ModelInstance>();
  readonly #tagged = new Map<string, Set<ModelInstance>>();
  readonly #tokens = new Map<string, { request: string; instances: readonly ModelInstance[] }>();
  readonly #images: ModelImage[] = [];
  readonly #subnets = new Map<string, ModelSubnet>();
  readonly #templates = new Map<string, Map<string, TemplateVersion>>();
  readonly #capacity = new Map<string, number>();
  readonly #lackingOnce = new Set<string>();
  readonly #buckets = {
    calls: { left: LAUNCH_BUCKETS.calls.size as number, at: Number.NEGATIVE_INFINITY },
    instances: { left: LAUNCH_BUCKETS.instances.size as number, at: Number.NEGATIVE_INFINITY },
  };
  #launched = 0;
  #ordinal = 0;
  #tagNeededToTerminate: string | undefined;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  // ── What a scenario sets up ──

  addSubnet(subnet: Omit<ModelSubnet, 'addresses'> & { addresses?: number }): void {
    this.#subnets.set(subnet.subnetId, { addresses: 251, ...subnet });
  }

  addImage(image: Pick<ModelImage, 'imageId'> & Partial<ModelImage>): void {
    this.#images.push({
      name: image.imageId,
      architecture: 'arm64',
      state: 'available',
      rootDevice: '/dev/xvda',
      createdAt: new Date(this.#world.now()),
      owner: 'self',
      tags: {},
      ...image,
    });
  }

  /** Deregistered: it is no longer found. */
  removeImage(imageId: string): void {
    const index = this.#images.findIndex((image) => image.imageId === imageId);
    if (index !== -1) this.#images.splice(index, 1);
  }

  /** Its owner wants it used no more: hidden from everybody else, and nothing more. */
  deprecateImage(imageId: string, at = new Date(this.#world.now())): void {
    const index = this.#images.findIndex((image) => image.imageId === imageId);
    const image = this.#images[index];
    if (image) this.#images[index] = { ...image, deprecatedAt: at };
  }

  /** A version of a launch template. Without more it is what irekae itself makes, but for profile and groups. */
  addLaunchTemplate(template: Pick<TemplateVersion, 'id' | 'version'> & Partial<TemplateVersion>): void {
    const versions = this.#templates.get(template.id) ?? new Map<string, TemplateVersion>();
    this.#templates.set(template.id, versions.set(template.version, { ...PLAIN_TEMPLATE, ...template }));
  }

  /** Somebody deletes it, with all of its versions. */
  removeLaunchTemplate(id: string): void {
    this.#templates.delete(id);
  }

  /** How many more instances of this type EC2 has capacity for in this zone. Default: any number. */
  setCapacity(instanceType: string, zone: string, spare: number): void {
    this.#capacity.set(`${instanceType} ${zone}`, spare);
  }

  /** It has none now; whoever asks again finds that somebody has given theirs back. */
  lackCapacityOnce(instanceType: string, zone: string): void {
    this.#lackingOnce.add(`${instanceType} ${zone}`);
  }

  /** Others launch in this account for so long, and leave so many calls of its bucket for now. */
  launchElsewhere(seconds: number, left: number): void {
    Object.assign(this.#buckets.calls, { left, at: this.#world.now() + seconds * 1_000 });
  }

  /** From now on the account's permissions allow the termination of only what has this tag, whatever its value. */
  requireTagToTerminate(key: string): void {
    this.#tagNeededToTerminate = key;
  }

  addExisting(existing: ExistingInstance): ModelInstance {
    const subnet = this.#subnets.get(existing.subnetId);
    if (subnet === undefined) throw new Error(`add the subnet ${existing.subnetId} to the world first`);
    const life = longLived(this.#world, this.#launched, existing.ageSeconds);
    return this.#add(subnet, existing, life);
  }

  // ── What a scenario does to an instance ──

  protect(instanceId: string, isProtected = true): void {
    this.instance(instanceId).protected = isProtected;
  }

  breakApplication(instanceId: string): void {
    this.instance(instanceId).breakApplication(this.#world.now());
    this.#world.emit({ kind: 'application-broken', ids: [instanceId], changed: [instanceId] });
  }

  healApplication(instanceId: string): void {
    this.instance(instanceId).healApplication(this.#world.now());
    this.#world.emit({ kind: 'application-healed', ids: [instanceId], changed: [instanceId] });
  }

  /** The instance is lost at once. */
  kill(instanceId: string, stateReason: string): void {
    const now = this.#world.now();
    const changed = this.instance(instanceId).end({
      into: 'terminated',
      at: now,
      doneAt: now,
      reason: stateReason,
    });
    this.#world.emit({ kind: 'instance-died', ids: [instanceId], changed: changed ? [instanceId] : [] });
  }

  /** Someone stops it in the console. */
  stop(instanceId: string): void {
    const now = this.#world.now();
    const instance = this.instance(instanceId);
    const doneAt = now + instance.life.shutdownMillis;
    const changed = instance.end({ into: 'stopped', at: now, doneAt, reason: USER_SHUTDOWN });
    this.#world.emit({ kind: 'instance-stopped', ids: [instanceId], changed: changed ? [instanceId] : [] });
  }

  // ── The truth, for the other parts of the world ──

  /** Throws for an id that the world never had: a mistake of the scenario. */
  instance(instanceId: string): ModelInstance {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) throw new Error(`the world has no instance ${instanceId}`);
    return instance;
  }

  find(instanceId: string): ModelInstance | undefined {
    return this.#instances.get(instanceId);
  }

  /** All instances that EC2 still describes, and those that it does not describe yet. */
  known(): readonly ModelInstance[] {
    const now = this.#world.now();
    for (const instance of this.#known.values()) if (instance.isForgotten(now)) this.#forget(instance);
    return [...this.#known.values()];
  }

  // ── The port ──

  describe(instanceIds: readonly string[]): readonly Instance[] {
    const now = this.#world.now();
    return [...new Set(instanceIds)].flatMap((id) => {
      const instance = this.#known.get(id);
      return instance?.isVisible(now) ? [instance.describe(now)] : [];
    });
  }

  listByTag(key: string, value: string): readonly Instance[] {
    const now = this.#world.now();
    const found: Instance[] = [];
    for (const instance of this.#tagged.get(`${key}=${value}`) ?? []) {
      if (instance.isForgotten(now)) this.#forget(instance);
      else if (instance.isVisible(now) && !instance.isTerminated(now)) found.push(instance.describe(now));
    }
    return found;
  }

  listByToken(beginning: string): readonly Instance[] {
    const now = this.#world.now();
    return this.known().flatMap((instance) =>
      instance.facts.clientToken?.startsWith(beginning) &&
      instance.isVisible(now) &&
      !instance.isTerminated(now)
        ? [instance.describe(now)]
        : [],
    );
  }

  /** Was this launch answered before? Then it is answered so again, whatever room there is by now. */
  hasLaunched({ clientToken }: Pick<LaunchRequest, 'clientToken'>): boolean {
    return this.known().some(({ facts }) => facts.clientToken === clientToken);
  }

  launch(request: LaunchRequest): readonly Instance[] {
    this.#take('calls', 1);
    const subnet = this.#checkedSubnet(request);
    const now = this.#world.now();
    // RunInstances is zonal once it names a subnet: the same token in another zone is another launch.
    const tokenKey = `${subnet.zone} ${request.clientToken}`;
    const earlier = this.#tokens.get(tokenKey);
    if (earlier !== undefined) {
      if (earlier.request !== JSON.stringify(request))
        throw refuseLaunch('IdempotentParameterMismatch', request);
      const ids = earlier.instances.map(({ id }) => id);
      this.#world.emit({ kind: 'instances-launched', ids, changed: [] });
      return earlier.instances.map((instance) => instance.describe(now));
    }
    this.#checkRequest(request, subnet);
    this.#take('instances', request.count);
    const instances = Array.from({ length: request.count }, (_, index) =>
      this.#launchOne(request, subnet, index),
    );
    this.#tokens.set(tokenKey, { request: JSON.stringify(request), instances });
    this.#takeCapacity(request, subnet);
    const ids = instances.map((instance) => instance.id);
    this.#world.emit({ kind: 'instances-launched', ids, changed: ids });
    return instances.map((instance) => instance.describe(now));
  }

  /**
   * One bad id fails EC2's call, and a protected instance spares all of its zone; the adapter then goes one by one.
   * What the port sees in the end: everything that can be terminated is, and the rest is answered with EC2's reason.
   */
  terminate(instanceIds: readonly string[]): { readonly refused: readonly Refusal[] } {
    if (instanceIds.length === 0) throw emptyTermination();
    const now = this.#world.now();
    const refused: Refusal[] = [];
    const changed: string[] = [];
    for (const id of new Set(instanceIds)) {
      const instance = this.#known.get(id);
      // Not known (yet, or anymore): EC2 answers NotFound. A caller that has just launched it must look again.
      if (!instance?.isVisible(now)) continue;
      const reason = this.#reasonToRefuse(instance);
      if (reason !== undefined) refused.push({ id, reason });
      else if (instance.end(userTermination(instance, now))) changed.push(id);
    }
    this.#world.emit({ kind: 'instances-terminated', ids: [...instanceIds], changed });
    return { refused };
  }

  tag(instanceId: string, tags: Readonly<Record<string, string>>): void {
    const instance = this.#known.get(instanceId);
    if (!instance?.isVisible(this.#world.now())) throw noSuchInstance(instanceId);
    for (const [key, value] of Object.entries(tags)) {
      this.#tagged.get(`${key}=${instance.facts.tags[key]}`)?.delete(instance);
      this.#index(`${key}=${value}`, instance);
    }
    instance.tag(tags);
    this.#world.emit({ kind: 'instances-tagged', ids: [instanceId], changed: [instanceId] });
  }

  consoleOutput(instanceId: string): string {
    const now = this.#world.now();
    const instance = this.#known.get(instanceId);
    return instance?.isVisible(now) ? instance.consoleOutput(now) : '';
  }

  findImage(imageId: string): Image | undefined {
    const image = this.#images.find((candidate) => candidate.imageId === imageId);
    return image && this.#public(image);
  }

  matchingImages(query: Parameters<Ec2['matchingImages']>[0]): readonly Image[] {
    const owner = query.owner === this.#world.account ? 'self' : query.owner;
    const name = query.namePattern === undefined ? /^/ : glob(query.namePattern);
    const now = new Date(this.#world.now());
    const matching = this.#images.filter(
      (image) =>
        image.owner === owner &&
        (owner === 'self' || image.deprecatedAt === undefined || image.deprecatedAt > now) &&
        image.state === 'available' &&
        image.architecture === query.architecture &&
        name.test(image.name) &&
        Object.entries(query.tags).every(([key, value]) => image.tags[key] === value),
    );
    return matching.map((image) => this.#public(image));
  }

  templateVersion(id: string, version: string): TemplateVersion | undefined {
    const versions = this.#templates.get(id);
    if (version !== 'newest') return versions?.get(version);
    const newest = Math.max(...[...(versions?.keys() ?? [])].map(Number));
    return versions?.get(String(newest));
  }

  subnets(subnetIds: readonly string[]): readonly Subnet[] {
    return subnetIds.flatMap((id) => {
      const subnet = this.#subnets.get(id);
      if (subnet === undefined) return [];
      const { subnetId, vpcId, zone } = subnet;
      return [{ subnetId, vpcId, zone, freeAddresses: this.#freeAddresses(subnet) }];
    });
  }

  // ── Inside ──

  /** Whatever becomes of the call, a repetition too: EC2 counts it. One that is turned away takes nothing. */
  #take(what: 'calls' | 'instances', count: number): void {
    const { size, perSecond } = LAUNCH_BUCKETS[what];
    const now = this.#world.now();
    const bucket = this.#buckets[what];
    const refilled = (Math.max(0, now - bucket.at) / 1_000) * perSecond;
    if (refilled > 0) Object.assign(bucket, { left: Math.min(size, bucket.left + refilled), at: now });
    if (bucket.left < count) throw new RequestLimitExceeded();
    bucket.left -= count;
  }

  #checkedSubnet(request: LaunchRequest): ModelSubnet {
    const subnet = this.#subnets.get(request.subnetId);
    if (subnet === undefined) throw refuseLaunch('InvalidSubnetID.NotFound', request);
    return subnet;
  }

  #checkRequest(request: LaunchRequest, subnet: ModelSubnet): void {
    if (request.clientToken.length > MAX_TOKEN_CHARACTERS) throw refuseLaunch('InvalidClientToken', request);
    if (request.count < 1 || Buffer.byteLength(request.userData) > MAX_USER_DATA_BYTES) {
      throw refuseLaunch('InvalidParameterValue', request);
    }
    const { id, version } = request.launchTemplate;
    if (!this.#templates.has(id)) throw refuseLaunch('InvalidLaunchTemplateId.NotFound', request);
    const template = this.#templates.get(id)?.get(version);
    if (template === undefined) throw refuseLaunch('InvalidLaunchTemplateId.VersionNotFound', request);
    // What the request says beside these, EC2 does not take.
    if (template.hasNetworkInterfaces || template.hasInstanceRequirements)
      throw refuseLaunch('InvalidParameterCombination', request);
    if (template.zone !== undefined && template.zone !== subnet.zone)
      throw refuseLaunch('InvalidParameterValue', request);
    if (this.findImage(request.imageId) === undefined) throw refuseLaunch('InvalidAMIID.NotFound', request);
    const key = `${request.instanceType} ${subnet.zone}`;
    const spare = this.#capacity.get(key) ?? Number.POSITIVE_INFINITY;
    if (this.#lackingOnce.delete(key) || spare < request.count) throw noCapacity(request, subnet.zone);
    if (this.#freeAddresses(subnet) < request.count) {
      throw refuseLaunch('InsufficientFreeAddressesInSubnet', request);
    }
  }

  #takeCapacity(request: LaunchRequest, subnet: ModelSubnet): void {
    const key = `${request.instanceType} ${subnet.zone}`;
    const spare = this.#capacity.get(key);
    if (spare !== undefined) this.#capacity.set(key, spare - request.count);
  }

  #launchOne(request: LaunchRequest, subnet: ModelSubnet, index: number): ModelInstance {
    const { zone } = subnet;
    const instanceId = this.#instanceId();
    const fate = this.fate({ instanceId, zone, index, ordinal: this.#ordinal, request });
    this.#ordinal += 1;
    const random = this.#world.random.branch(`life ${instanceId}`);
    const life = drawLife(random, this.#world.timings, this.#world.now(), fate);
    const { id, version } = request.launchTemplate;
    const tags = { ...request.tags, [TAG.template]: id, [TAG.templateVersion]: version };
    const template = this.#templates.get(id)?.get(version);
    const onShutdown = template?.shutdownBehavior === 'terminate' ? 'terminated' : 'stopped';
    const instance = this.#add(subnet, { ...request, tags }, life, fate, onShutdown);
    instance.protected = Boolean(template?.isTerminationProtected || template?.isStopProtected);
    return instance;
  }

  #instanceId(): string {
    return `i-${this.#world.random.branch(`instance ${this.#launched}`).hex(17)}`;
  }

  #add(
    subnet: ModelSubnet,
    as: Pick<LaunchRequest, 'imageId' | 'instanceType' | 'tags'> &
      Partial<Pick<LaunchRequest, 'clientToken'>>,
    life: Life,
    fate: Fate = { kind: 'healthy' },
    onShutdown: Ending['into'] = 'terminated',
  ): ModelInstance {
    const instanceId = this.#instanceId();
    const { subnetId, vpcId, zone } = subnet;
    const { imageId, instanceType, tags, clientToken } = as;
    const hostName = `ip-10-0-${(this.#launched >> 8) & 255}-${this.#launched & 255}`;
    this.#launched += 1;
    const console = fate.kind === 'shuts-down' ? { consoleLine: fate.consoleLine } : {};
    const namelessAt = fate.kind === 'nameless' && [
      '172.17.0.1',
      fate.inContainer ? '172.17.0.2' : addressOf({ hostName }),
    ];
    const facts = {
      ...{ instanceId, hostName, subnetId, vpcId, zone, imageId, instanceType, tags, ...console },
      ...(clientToken !== undefined && { clientToken }),
      ...(namelessAt && { namelessAt }),
    };
    const ending = fatedEnding(
      this.#world.random.branch(`ending ${instanceId}`),
      this.#world.timings,
      life,
      fate,
    );
    const shutsDown = fate.kind === 'shuts-down' && ending && { ...ending, into: onShutdown };
    const instance = new ModelInstance(facts, life, shutsDown || ending);
    this.#instances.set(instanceId, instance);
    this.#known.set(instanceId, instance);
    for (const [key, value] of Object.entries(tags)) this.#index(`${key}=${value}`, instance);
    return instance;
  }

  #index(tag: string, instance: ModelInstance): void {
    const set = this.#tagged.get(tag) ?? new Set();
    this.#tagged.set(tag, set.add(instance));
  }

  #forget(instance: ModelInstance): void {
    this.#known.delete(instance.id);
    for (const [key, value] of Object.entries(instance.facts.tags)) {
      this.#tagged.get(`${key}=${value}`)?.delete(instance);
    }
  }

  /** `self` is the asker's own account; Amazon's images have a name for their owner. */
  #public({ owner, ...image }: ModelImage): Image {
    if (owner === 'amazon') return { ...image, owner: AMAZON, ownerAlias: owner };
    return { ...image, owner: owner === 'self' ? this.#world.account : owner };
  }

  #freeAddresses(subnet: ModelSubnet): number {
    const now = this.#world.now();
    let used = 0;
    for (const instance of this.known()) {
      if (instance.facts.subnetId === subnet.subnetId && !instance.isTerminated(now)) used += 1;
    }
    return subnet.addresses - used;
  }

  #reasonToRefuse(instance: ModelInstance): string | undefined {
    const tag = this.#tagNeededToTerminate;
    if (tag !== undefined && !(tag in instance.facts.tags)) {
      return `UnauthorizedOperation: You are not authorized to terminate an instance without the tag ${tag}.`;
    }
    if (!instance.protected) return undefined;
    return `OperationNotPermitted: The instance '${instance.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
  }
}

/** The life of an instance that has been up for a long time. */
function longLived(world: Surroundings, ordinal: number, ageSeconds: number): Life {
  const launchedAt = world.now() - ageSeconds * 1000;
  const random = world.random.branch(`existing ${ordinal}`);
  const drawn = drawLife(random, world.timings, launchedAt, { kind: 'healthy' });
  // However young it is in the scenario, it is already in service.
  const latest = (moment: number) => Math.min(moment, world.now());
  return {
    ...drawn,
    visibleAt: latest(drawn.visibleAt),
    runningAt: latest(drawn.runningAt),
    bootedAt: latest(drawn.bootedAt),
    applicationUpAt: latest(drawn.applicationUpAt),
    registersAt: latest(drawn.registersAt),
  };
}

function userTermination(instance: ModelInstance, at: number) {
  return {
    into: 'terminated',
    at,
    doneAt: at + instance.life.shutdownMillis,
    reason: USER_SHUTDOWN,
  } as const;
}

function emptyTermination(): DeploymentError {
  return new DeploymentError(
    'TerminationRefused',
    'The list of instances to terminate is empty, which is never meant: nothing was terminated. Find out why it was lost.',
  );
}

function noSuchInstance(instanceId: string): DeploymentError {
  return new DeploymentError(
    'ServiceRefused',
    `AWS refused to tag ${instanceId}: InvalidInstanceID.NotFound. Check what was asked for, and the permissions of who asked: the step's role, or yours if you ran a command.`,
  );
}

function refuseLaunch(code: string, request: LaunchRequest): DeploymentError {
  return new DeploymentError(
    'LaunchRefused',
    `EC2 refused to launch ${request.count} × ${request.instanceType} in ${request.subnetId}: ${code}. ` +
      'Correct the fleet or the account’s limits, then deploy again.',
  );
}

function noCapacity(request: LaunchRequest, zone: string): DeploymentError {
  return new DeploymentError(
    'NoCapacity',
    `EC2 has no room for ${request.count} × ${request.instanceType} in ${zone} (InsufficientInstanceCapacity). ` +
      'Try another instance type, or later.',
  );
}
