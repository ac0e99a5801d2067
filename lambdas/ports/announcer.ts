/** The news of an environment: SNS for people, EventBridge for machines. */

export interface Message {
  /** ASCII, on one line, at most 99 characters. */
  readonly subject: string;
  /** For a mail, and for whoever else subscribed. */
  readonly body: string;
  /** JSON for what an `https` subscription leads to: Amazon Q Developer in chat applications, or what reads its schema. */
  readonly chat: object;
  /** What a subscription may filter by. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface MachineEvent {
  readonly detailType: string;
  /** JSON; at most 256 KB. */
  readonly detail: object;
  /** ARNs of what it is about. */
  readonly resources: readonly string[];
  readonly at: Date;
}

/** Neither knows what it was told before: telling twice tells twice. */
export interface Announcer {
  /** To everybody who subscribed to the environment's deployment news. */
  tellPeople(message: Message): Promise<void>;
  /** On the account's default event bus, from the source `irekae`. */
  tellMachines(event: MachineEvent): Promise<void>;
}
