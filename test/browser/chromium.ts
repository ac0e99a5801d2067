/**
 * A real browser for tests: Chromium without a window, spoken to over two pipes in its DevTools protocol. No package is
 * needed for that little, and no port is opened.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser that this machine has; `CHROMIUM` names another one. */
export function findChromium(): string | undefined {
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES;
  return candidates.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

type Params = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}

const ANSWER_MILLIS = 20_000;

export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #out: Writable;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #listeners: ((method: string, params: Params) => void)[] = [];
  #serial = 0;
  #rest = '';

  constructor(command: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'irekae-browser-'));
    const flags = [
      '--headless',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`,
      '--no-first-run',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--hide-scrollbars',
      // Chromium refuses to run as root with its sandbox, and containers run tests as root. The pages are our own.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ];
    this.#process = spawn(command, flags, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // A group of its own: Chromium's children write into the profile for as long as they live.
      detached: true,
    });
    this.#out = this.#process.stdio[3] as Writable;
    const answers = this.#process.stdio[4] as Readable;
    answers.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    // Who is gone answers nothing: the commands in flight run into their time limit.
    this.#out.on('error', () => {});
  }

  on(listener: (method: string, params: Params) => void): void {
    this.#listeners.push(listener);
  }

  send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    this.#serial += 1;
    const id = this.#serial;
    this.#out.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Chromium does not answer ${method}.`)), ANSWER_MILLIS);
      this.#answers.set(id, ({ result = {}, error }) => {
        clearTimeout(late);
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result);
      });
    });
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.pid !== undefined) process.kill(-this.#process.pid, 'SIGKILL');
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #read(chunk: string): void {
    const messages = `${this.#rest}${chunk}`.split('\0');
    this.#rest = messages.pop() ?? '';
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      if (message.id !== undefined) this.#answers.get(message.id)?.(message);
      else for (const listener of this.#listeners) listener(message.method ?? '', message.params ?? {});
    }
  }
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
  readonly media?: 'screen' | 'print';
}

/** A node of the accessibility tree, as a screen reader is given it. */
export interface Accessible {
  readonly role: string;
  readonly name: string;
}

/** One open page. */
export class Tab {
  /** What the browser complains about. */
  readonly complaints: string[] = [];
  readonly #browser: Chromium;
  readonly #session: string;

  private constructor(browser: Chromium, session: string) {
    this.#browser = browser;
    this.#session = session;
    browser.on((method, params) => {
      if (method === 'Log.entryAdded') this.complaints.push(JSON.stringify(params.entry));
      if (method === 'Runtime.consoleAPICalled' || method === 'Runtime.exceptionThrown')
        this.complaints.push(JSON.stringify(params));
    });
  }

  static async open(browser: Chromium): Promise<Tab> {
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(browser, String(sessionId));
    for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await tab.send(`${domain}.enable`);
    return tab;
  }

  send(method: string, params: Params = {}): Promise<Params> {
    return this.#browser.send(method, params, this.#session);
  }

  async show(url: string, { width, height, scheme, media = 'screen' }: View): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.send('Emulation.setEmulatedMedia', { media, features });
    const loaded = new Promise<void>((resolve) =>
      this.#browser.on((method) => {
        if (method === 'Page.loadEventFired') resolve();
      }),
    );
    await this.send('Page.navigate', { url });
    await loaded;
  }

  /** What an expression comes to in the page; the page's own policy does not hold for it. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  async accessibles(): Promise<readonly Accessible[]> {
    const { nodes } = await this.send('Accessibility.getFullAXTree');
    const all = nodes as { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
    return all
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => ({ role: role?.value ?? '', name: name?.value ?? '' }));
  }

  /** The whole page as a PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(String(data), 'base64');
  }
}
