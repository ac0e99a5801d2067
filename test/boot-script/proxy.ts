/** An HTTP proxy on a free local port: whatever it is asked for, it gets from the local AWS, and notes who was meant. */
import { createServer, request as forward, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export class LocalProxy {
  /** The hosts that were asked for through it. */
  readonly asked: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(awsPort: number) {
    const to = { host: '127.0.0.1', port: awsPort };
    this.#server = createServer(({ method, url = '/', headers }, response) => {
      this.asked.push(headers.host ?? '');
      const path = url.replace(/^https?:\/\/[^/]+/, '');
      forward({ ...to, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }).end();
    });
    this.#server.on('connect', (request, socket: Socket) => {
      this.asked.push(request.url ?? '');
      const there = connect(to.port, to.host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        there.pipe(socket).pipe(there);
      });
      this.#sockets.add(there).add(socket);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
