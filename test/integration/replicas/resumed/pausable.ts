/** A client whose own network socket can be left unread: a laptop that went to sleep with the lid half open. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { SeenFrame } from './frames.ts';

export type Pausable = AsyncDisposable &
  Readonly<{
    wire: Socket;
    /** Every `chat` and `agent` frame. */
    frames: readonly SeenFrame[];
    closed: Promise<Readonly<{ code: number; reason: string }>>;
  }>;

type Received = Readonly<{ id?: string; ok?: boolean; event?: string }>;

export async function pausable(port: number, token: string): Promise<Pausable> {
  const wire = connect(port, '127.0.0.1');
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { createConnection: () => wire });
  const frames: SeenFrame[] = [];
  const through = Promise.withResolvers<unknown>();
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Received;
    if (frame.id === '1') through.resolve(frame.ok);
    if (frame.event === 'chat' || frame.event === 'agent') frames.push(frame as SeenFrame);
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({
    code: Number(code),
    reason: String(reason),
  }));
  await once(socket, 'open');
  const client = { id: 'test', version: '1', platform: 'linux', mode: 'test' };
  const params = { minProtocol: 3, maxProtocol: 3, client, auth: { token } };
  socket.send(JSON.stringify({ type: 'req', id: '1', method: 'connect', params }));
  if ((await through.promise) !== true) throw new Error('the handshake was refused');
  return {
    wire,
    frames,
    closed,
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}
