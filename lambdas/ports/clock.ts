/** What time it is, and letting some of it pass. */
export interface Clock {
  now(): Date;
  sleep(millis: number): Promise<unknown>;
}
