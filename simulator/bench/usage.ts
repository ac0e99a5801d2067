/** What a deployment uses that is billed by the request, the byte and the metric: followed while it runs. */
import { functionLineBytes } from '../log-bytes.ts';
import type { Stage } from '../stage.ts';
import type { LogLine } from '../world/announcer.ts';

export interface Usage {
  /** DynamoDB bills a read by each 4 KB of the row, a write by each KB. */
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly gets: number;
  readonly puts: number;
  readonly decryptions: number;
  readonly mails: number;
  readonly events: number;
  /** Custom metrics that were told: each costs an hour. */
  readonly metrics: number;
  /** Of what steps say beside their one line. */
  readonly lineBytes: number;
}

const READS = ['artifacts.find', 'artifacts.digest', 'records.readRecord', 'records.readVersion'];
const S3 = /^(artifacts|records|copies)\./;

/** Follows a stage from now on; read the answer when all is over. */
export function followUsage({ world, fleet }: Pick<Stage, 'world' | 'fleet'>): () => Usage {
  const { ledger, calls, announcer } = world;
  let [readUnits, writeUnits] = [0, 0];
  const earlier = { ...calls.byAction() };
  const [messages, events, lines] = [announcer.messages, announcer.events, announcer.lines].map(
    (each) => each.length,
  );
  world.interceptToo(async (call, proceed) => {
    const { service, action } = call;
    const before = service === 'ledger' ? rowBytes() : 0;
    try {
      return await proceed();
    } finally {
      // A write is billed by the larger of the row before and after, also one whose condition fails.
      if (service === 'ledger' && action === 'read') readUnits += units(rowBytes(), 4_096);
      else if (service === 'ledger') writeUnits += units(Math.max(before, rowBytes()), 1_024);
    }
  });
  const rowBytes = () => Buffer.byteLength(JSON.stringify(ledger.read(fleet.name) ?? {}));
  const counted = (which: (action: string) => boolean) =>
    Object.entries(calls.byAction()).reduce(
      (sum, [action, count]) => (which(action) ? sum + count - (earlier[action] ?? 0) : sum),
      0,
    );
  return () => {
    const said = announcer.lines.slice(lines);
    return {
      readUnits,
      writeUnits,
      gets: counted((action) => READS.includes(action)),
      puts: counted((action) => S3.test(action) && !READS.includes(action)),
      decryptions: counted((action) => action.startsWith('parameters.')),
      mails: announcer.messages.length - (messages ?? 0),
      events: announcer.events.length - (events ?? 0),
      metrics: metricsIn(said),
      lineBytes: said.reduce((sum, { sentence, fields }) => sum + functionLineBytes({}, sentence, fields), 0),
    };
  };
}

const units = (bytes: number, size: number) => Math.max(1, Math.ceil(bytes / size));

interface Told {
  readonly CloudWatchMetrics?: readonly {
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** Names with the values of their dimensions, each once. */
export function metricsIn(lines: readonly Pick<LogLine, 'fields'>[]): number {
  const told = lines.flatMap(({ fields }) =>
    ((fields._aws as Told | undefined)?.CloudWatchMetrics ?? []).flatMap(({ Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name }) =>
        Dimensions.map((names) => [Name, ...names.map((name) => `${name}=${fields[name]}`)].join()),
      ),
    ),
  );
  return new Set(told).size;
}
