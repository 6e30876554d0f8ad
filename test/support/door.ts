/** The one address that clients know: a TCP door in front of whichever gateways there are. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Door = AsyncDisposable & Readonly<{ wsUrl: string; point(ports: readonly number[]): void }>;

/** Each connection goes to the next port in turn; one that refuses is passed over. */
export async function openDoor(ports: readonly number[] = []): Promise<Door> {
  let behind = ports;
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    client.on('error', () => undefined); // its close is what matters
    const order = behind.map((_, at) => behind[(turn + at) % behind.length]);
    turn += 1;
    pass(
      client,
      order.filter((port) => port !== undefined),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    point: (next) => {
      behind = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const client of open) client.destroy();
      await closed;
    },
  };
}

function pass(client: Socket, [port, ...others]: readonly number[]): void {
  if (port === undefined) return void client.destroy();
  const gateway = connect(port, '127.0.0.1');
  let through = false;
  gateway.once('connect', () => {
    through = true;
    gateway.pipe(client);
    client.pipe(gateway);
  });
  gateway.on('error', () => (through ? client.destroy() : pass(client, others)));
  gateway.once('close', () => through && client.destroy());
  client.once('close', () => gateway.destroy());
}
