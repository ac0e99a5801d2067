/**
 * What AWS asks for, in US dollars: Tokyo (ap-northeast-1), November 2026, without any free tier. Most other Regions ask
 * the same or less; for another one, this is the only place to change.
 */
interface Price {
  readonly usd: number;
  /** Of these at a time. */
  readonly per: number;
  readonly unit: string;
  /** Under https://aws.amazon.com/. */
  readonly page: string;
}

const GB = 1e9;

export const PRICES = {
  transition: { usd: 0.025, per: 1e3, unit: 'transitions, standard', page: 'step-functions/pricing' },
  gbSecond: { usd: 0.000_013_333_4, per: 1, unit: 'GB-seconds on arm64', page: 'lambda/pricing' },
  invocation: { usd: 0.2, per: 1e6, unit: 'invocations', page: 'lambda/pricing' },
  logByte: { usd: 0.76, per: GB, unit: 'bytes of logs, ingested', page: 'cloudwatch/pricing' },
  /** By the hour in which it is told. */
  metricHour: { usd: 0.3, per: 730, unit: 'hours of a custom metric', page: 'cloudwatch/pricing' },
  alarmMonth: { usd: 0.1, per: 1, unit: 'months of a metric in an alarm', page: 'cloudwatch/pricing' },
  dashboardMonth: {
    usd: 3,
    per: 1,
    unit: 'months of a dashboard, from the fourth on',
    page: 'cloudwatch/pricing',
  },
  trace: { usd: 5, per: 1e6, unit: 'traces', page: 'xray/pricing' },
  writeUnit: { usd: 0.715, per: 1e6, unit: 'writes of 1 KB, on demand', page: 'dynamodb/pricing/on-demand' },
  readUnit: { usd: 0.1425, per: 1e6, unit: 'consistent reads of 4 KB', page: 'dynamodb/pricing/on-demand' },
  put: { usd: 0.0047, per: 1e3, unit: 'PUT, COPY and LIST requests', page: 's3/pricing' },
  get: { usd: 0.000_37, per: 1e3, unit: 'GET requests', page: 's3/pricing' },
  /** A standard parameter costs nothing, its decryption does. */
  decryption: { usd: 0.03, per: 1e4, unit: 'decryptions', page: 'kms/pricing' },
  customEvent: { usd: 1, per: 1e6, unit: 'events of our own', page: 'eventbridge/pricing' },
  mail: { usd: 2, per: 1e5, unit: 'mails', page: 'sns/pricing' },
} as const satisfies Readonly<Record<string, Price>>;

export type Priced = keyof typeof PRICES;

export const usd = (what: Priced, amount: number): number => (amount * PRICES[what].usd) / PRICES[what].per;
