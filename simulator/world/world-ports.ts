/**
 * The world behind the ports of `lambdas/clients/ports.ts`. Each method runs the model and says how many requests the
 * real adapter would have sent for it.
 */
import type { Ports } from '../../lambdas/ports/ports.ts';
import type { Service } from './events.ts';
import type { World } from './world.ts';

/** Runs one call: `effect` against the model, counted by `requests` (of an answer, or 1 when it failed). */
export type RunCall = <T>(
  service: Service,
  action: string,
  args: readonly unknown[],
  effect: () => T,
  requests?: (answer: T) => number,
) => Promise<T>;

const pieces = (list: readonly unknown[], size: number) => Math.ceil(list.length / size);
const pages = (list: readonly unknown[], size: number) => Math.max(1, pieces(list, size));

type Models = Pick<
  World,
  'ec2' | 'loadBalancers' | 'mackerel' | 's3' | 'parameters' | 'ledger' | 'executions' | 'announcer'
>;

export function worldPorts(models: Models, now: () => Date, run: RunCall): Ports {
  return {
    clock: { now },
    ec2: ec2Port(models, run),
    loadBalancers: loadBalancersPort(models, run),
    mackerel: mackerelPort(models, run),
    artifacts: artifactsPort(models, run),
    records: recordsPort(models, run),
    copies: copiesPort(models, run),
    parameters: {
      read: (name) => run('parameters', 'read', [name], () => models.parameters.read(name)),
    },
    ledger: ledgerPort(models, run),
    executions: executionsPort(models, run),
    announcer: announcerPort(models, run),
    // No call: it is written to the function's own output.
    log: models.announcer.log,
  };
}

function ec2Port({ ec2 }: Models, run: RunCall): Ports['ec2'] {
  return {
    describe: (ids) =>
      run(
        'ec2',
        'describe',
        [ids],
        () => ec2.describe(ids),
        () => pieces(ids, 100),
      ),
    listByTag: (key, value) =>
      run(
        'ec2',
        'listByTag',
        [key, value],
        () => ec2.listByTag(key, value),
        (found) => pages(found, 1000),
      ),
    launch: (request) => run('ec2', 'launch', [request], () => ec2.launch(request)),
    // After a refusal the adapter looks once and then asks for each alone.
    terminate: (ids) =>
      run(
        'ec2',
        'terminate',
        [ids],
        () => ec2.terminate(ids),
        ({ refused }) =>
          refused.length === 0 ? pieces(ids, 1000) : pieces(ids, 1000) + pieces(ids, 100) + ids.length,
      ),
    tag: (id, tags) => run('ec2', 'tag', [id, tags], () => ec2.tag(id, tags)),
    // Where there is no newest output, the adapter asks for what EC2 kept.
    consoleOutput: (id) =>
      run(
        'ec2',
        'consoleOutput',
        [id],
        () => ec2.consoleOutput(id),
        (text) => (text === '' ? 2 : 1),
      ),
    findImage: (imageId) => run('ec2', 'findImage', [imageId], () => ec2.findImage(imageId)),
    newestImage: (query) => run('ec2', 'newestImage', [query], () => ec2.newestImage(query)),
    subnets: (ids) =>
      run(
        'ec2',
        'subnets',
        [ids],
        () => ec2.subnets(ids),
        () => pieces(ids, 100),
      ),
  };
}

function loadBalancersPort({ loadBalancers }: Models, run: RunCall): Ports['loadBalancers'] {
  const service = 'loadBalancers';
  return {
    // The description and the attributes.
    settings: (ref) =>
      run(
        service,
        'settings',
        [ref],
        () => loadBalancers.settings(ref),
        () => 2,
      ),
    members: (ref, ids) =>
      run(
        service,
        'members',
        [ref, ids],
        () => loadBalancers.members(ref, ids),
        () => (ids === undefined ? 1 : pieces(ids, 100)),
      ),
    register: (ref, ids) =>
      run(
        service,
        'register',
        [ref, ids],
        () => loadBalancers.register(ref, ids),
        () => pieces(ids, 100),
      ),
    deregister: (ref, ids) =>
      run(
        service,
        'deregister',
        [ref, ids],
        () => loadBalancers.deregister(ref, ids),
        () => pieces(ids, 100),
      ),
  };
}

function mackerelPort({ mackerel }: Models, run: RunCall): Ports['mackerel'] {
  const service = 'mackerel';
  return {
    hosts: (name, role) => run(service, 'hosts', [name, role], () => mackerel.hosts(name, role)),
    roles: (name) => run(service, 'roles', [name], () => mackerel.roles(name)),
    setStatus: (ids, status) =>
      run(
        service,
        'setStatus',
        [ids, status],
        () => mackerel.setStatus(ids, status),
        () => pieces(ids, 30),
      ),
    retire: (ids) =>
      run(
        service,
        'retire',
        [ids],
        () => mackerel.retire(ids),
        () => pieces(ids, 30),
      ),
    openAlerts: () =>
      run(
        service,
        'openAlerts',
        [],
        () => mackerel.openAlerts(),
        (alerts) => pages(alerts, 100),
      ),
    latestMetric: (ids) =>
      run(
        service,
        'latestMetric',
        [ids],
        () => mackerel.latestMetric(ids),
        () => pieces(ids, 100),
      ),
    // It looks for the mark before it makes one.
    annotate: (mark) =>
      run(
        service,
        'annotate',
        [mark],
        () => mackerel.annotate(mark),
        () => 2,
      ),
    postServiceMetrics: (name, points) =>
      run(service, 'postServiceMetrics', [name, points], () => mackerel.postServiceMetrics(name, points)),
    setMetadata: (ids, namespace, value) =>
      run(
        service,
        'setMetadata',
        [ids, namespace, value],
        () => mackerel.setMetadata(ids, namespace, value),
        () => ids.length,
      ),
  };
}

function artifactsPort({ s3 }: Models, run: RunCall): Ports['artifacts'] {
  const service = 'artifacts';
  return {
    find: (bucket, key, versionId) =>
      run(service, 'find', [bucket, key, versionId], () => s3.find(bucket, key, versionId)),
    digest: (bucket, key, versionId) =>
      run(service, 'digest', [bucket, key, versionId], () => s3.digest(bucket, key, versionId)),
    versions: (bucket, key) => run(service, 'versions', [bucket, key], () => s3.versions(bucket, key)),
    list: (bucket, prefix) =>
      run(
        service,
        'list',
        [bucket, prefix],
        () => s3.list(bucket, prefix),
        (found) => pages(found, 1000),
      ),
  };
}

function recordsPort({ s3 }: Models, run: RunCall): Ports['records'] {
  const service = 'records';
  return {
    readRecord: (bucket, key) => run(service, 'readRecord', [bucket, key], () => s3.readRecord(bucket, key)),
    writeRecord: (bucket, key, record) =>
      run(service, 'writeRecord', [bucket, key, record], () => s3.writeRecord(bucket, key, record)),
    writePage: (bucket, key, html) =>
      run(service, 'writePage', [bucket, key, html], () => s3.writePage(bucket, key, html)),
    readVersion: (bucket, key, versionId) =>
      run(service, 'readVersion', [bucket, key, versionId], () => s3.readRecord(bucket, key, versionId)),
  };
}

function copiesPort({ s3 }: Models, run: RunCall): Ports['copies'] {
  const service = 'copies';
  return {
    look: (place, versionId) => run(service, 'look', [place, versionId], () => s3.look(place, versionId)),
    whole: (request) => run(service, 'whole', [request], () => s3.copy(request)),
    begin: (request) => run(service, 'begin', [request], () => s3.beginCopy(request)),
    // The list of those that are there, and each part.
    parts: (request, uploadId, size) =>
      run(
        service,
        'parts',
        [request, uploadId, size],
        () => s3.copyParts(request, uploadId, size),
        () => 1 + size.most,
      ),
    finish: (request, uploadId) =>
      run(
        service,
        'finish',
        [request, uploadId],
        () => s3.finishCopy(request, uploadId),
        () => 2,
      ),
    abandon: (to, uploadId) => run(service, 'abandon', [to, uploadId], () => s3.abandonCopy(uploadId)),
  };
}

function ledgerPort({ ledger }: Models, run: RunCall): Ports['ledger'] {
  const service = 'ledger';
  return {
    read: (fleet) => run(service, 'read', [fleet], () => ledger.read(fleet)),
    take: (fleet, claim) => run(service, 'take', [fleet, claim], () => ledger.take(fleet, claim)),
    takeOver: (fleet, from, holder, diedAt) =>
      run(service, 'takeOver', [fleet, from, holder, diedAt], () =>
        ledger.takeOver(fleet, from, holder, diedAt),
      ),
    enter: (fleet, hold, phase, document) =>
      run(service, 'enter', [fleet, hold, phase, document], () => ledger.enter(fleet, hold, phase, document)),
    keepForHuman: (fleet, hold, why) =>
      run(service, 'keepForHuman', [fleet, hold, why], () => ledger.keepForHuman(fleet, hold, why)),
    release: (fleet, hold) => run(service, 'release', [fleet, hold], () => ledger.release(fleet, hold)),
    pend: (fleet, request, replaces) =>
      run(service, 'pend', [fleet, request, replaces], () => ledger.pend(fleet, request, replaces)),
    clearPending: (fleet, id) =>
      run(service, 'clearPending', [fleet, id], () => ledger.clearPending(fleet, id)),
    requestCancel: (fleet, holder, by) =>
      run(service, 'requestCancel', [fleet, holder, by], () => ledger.requestCancel(fleet, holder, by)),
  };
}

function executionsPort({ executions }: Models, run: RunCall): Ports['executions'] {
  const service = 'executions';
  return {
    status: (arn) => run(service, 'status', [arn], () => executions.status(arn)),
    describe: (arn) => run(service, 'describe', [arn], () => executions.describe(arn)),
    recent: (arn) => run(service, 'recent', [arn], () => executions.recent(arn)),
    start: (machineArn, name, input) =>
      run(service, 'start', [machineArn, name, input], () => executions.start(machineArn, name, input)),
  };
}

function announcerPort({ announcer }: Models, run: RunCall): Ports['announcer'] {
  const service = 'announcer';
  return {
    tellPeople: (message) => run(service, 'tellPeople', [message], () => announcer.tellPeople(message)),
    tellMachines: (event) => run(service, 'tellMachines', [event], () => announcer.tellMachines(event)),
  };
}
